import type { Patch } from '../../support/patch.ts';

/** A deliberate bug. */
export interface Bug {
  readonly name: string;
  readonly what: string;
  readonly patches: readonly Patch[];
}

/** Bugs that are typical of such a ledger. */
export const KNOWN_BUGS: readonly Bug[] = [
  {
    name: 'condition-dropped',
    what: 'the head is written although it has changed',
    patches: [
      {
        file: 'lib/store/conditions.ts',
        find: "HEAD_UNMOVED: 'seq = :seq'",
        replace: "HEAD_UNMOVED: 'seq = :seq OR attribute_exists(pk)'",
      },
    ],
  },
  {
    name: 'steps-swapped',
    what: 'a card is charged before the charge is announced',
    patches: [
      {
        file: 'lib/operations/fixes/announce-charge.ts',
        find: "  return {\n    kind: 'write',\n    writes: (_, announcedAt) => [",
        replace:
          "  const swapped = { kind: 'charge', fix: { ...fix, charge }, charge, balance, isFresh: true } as const;\n" +
          "  if (charge.attempt > 0) return { kind: 'done', answer: swapped };\n" +
          "  return {\n    kind: 'write',\n    writes: (_, announcedAt) => [",
      },
    ],
  },
  {
    name: 'random-key',
    what: 'each call of an attempt has another idempotency key',
    patches: [
      {
        file: 'lib/operations/fixes/charge-fix.ts',
        find: 'idempotencyKey: chargeKey(customerId, fix.id, charge.attempt),',
        replace: 'idempotencyKey: chargeKey(customerId, fix.id, charge.attempt) + String(Math.random()),',
      },
    ],
  },
  {
    name: 'reservation-kept',
    what: 'a charge that is not paid keeps its amount of the spending limit',
    patches: [
      {
        file: 'lib/operations/fixes/record-payment.ts',
        find: '      ...followCharge(customerId, own, after),\n',
        replace: '      ...followCharge(customerId, own, own),\n',
      },
    ],
  },
  {
    name: 'limit-ignored',
    what: 'a charge is announced above the spending limit',
    patches: [
      {
        file: 'lib/domain/payments/spending.ts',
        find: 'return room !== null && amountCents > room;',
        replace: 'return room !== null && room === 0 && amountCents < 0;',
      },
      {
        file: 'lib/store/conditions.ts',
        find: "SPENDING_UNMOVED: 'attribute_not_exists(committed_cents) OR committed_cents = :committed'",
        replace: "SPENDING_UNMOVED: 'attribute_not_exists(committed_cents) OR :committed = :committed'",
      },
    ],
  },
  {
    name: 'guard-forgotten',
    what: "the guard of a card's bonus is not stored",
    patches: [
      {
        file: 'lib/operations/accounts/add-payment-method.ts',
        find: '...(isDue ? spendCardBonus(customerId, fingerprint) : []),',
        replace: '...(isDue ? spendCardBonus(customerId, fingerprint).slice(0, 1) : []),',
      },
    ],
  },
  {
    name: 'timestamps-compared',
    what: 'an event older than the newest one of its customer is ignored',
    patches: [
      {
        file: 'lib/operations/events/apply-event.ts',
        find: '  try {\n    const effect = await applyEffect(',
        replace:
          "  const about = 'stripeCustomerId' in subject ? subject.stripeCustomerId : null;\n" +
          '  const newest = newestOf.get(about) ?? 0;\n' +
          '  newestOf.set(about, Math.max(newest, event.created));\n' +
          "  if (about !== null && event.created < newest) return record(deps, event, { outcome: 'ignored', reason: 'older', customerId: null });\n" +
          '  try {\n    const effect = await applyEffect(',
      },
      {
        file: 'lib/operations/events/apply-event.ts',
        find: '/** What is said of an event whose effect is in the ledger. */',
        replace: 'const newestOf = new Map<string | null, number>();',
      },
    ],
  },
  {
    name: 'acknowledged-first',
    what: 'an event is recorded before it is applied',
    patches: [
      {
        file: 'lib/operations/events/apply-event.ts',
        find: '    const effect = await applyEffect(',
        replace:
          "    const said = await record(deps, event, { outcome: 'processed', reason: APPLIED, customerId: null });\n" +
          '    await applyEffect(deps, subject, (customerId) => receiptFor(deps, event, customerId)).catch(() => {});\n' +
          "    if (said.outcome === 'processed') return said;\n" +
          '    const effect = await applyEffect(',
      },
    ],
  },
  {
    name: 'not-cumulative',
    what: 'each refund of an invoice is rounded on its own',
    patches: [
      {
        file: 'lib/domain/grants.ts',
        find: 'due.credits - kept.reversedCredits,',
        replace: 'Math.floor((kept.credits * (due.returnedCents - kept.reversedCents)) / due.soldCents),',
      },
    ],
  },
  {
    name: 'debt-ignored',
    what: 'a grant does not pay owed credits',
    patches: [
      {
        file: 'lib/domain/grants.ts',
        find: 'const netted = Math.min(debt, credits);',
        replace: 'const netted = Math.min(0, debt, credits);',
      },
    ],
  },
  {
    name: 'retried-without-end',
    what: 'a contended write is retried at once and without a limit',
    patches: [
      {
        file: 'lib/operations/ledger/retry-contended.ts',
        find: 'if (tries >= MAX_TRIES || !hasTimeFor(deps, waitMs)) throw ledgerBusy();',
        replace: '',
      },
      {
        file: 'lib/operations/ledger/retry-contended.ts',
        find: 'const waitMs = deps.random() * FIRST_WAIT_MS * 2 ** (tries - 1);',
        replace: 'const waitMs = 0;',
      },
    ],
  },
  {
    name: 'settled-twice',
    what: 'a payment that billed its fix is treated as a second payment',
    patches: [
      {
        file: 'lib/operations/fixes/record-payment.ts',
        find: 'if (billed?.paymentIntentId === paymentIntentId) {',
        replace: "if (billed?.paymentIntentId === paymentIntentId && paymentIntentId === '') {",
      },
    ],
  },
];
