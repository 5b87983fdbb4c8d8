import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bringsProCredits,
  type CreditChange,
  creditsFor,
  grant,
  grantForInvoice,
  type InvoiceGuard,
  newInvoiceGuard,
  type ProInvoice,
  takeBack,
} from '../../lib/domain/grants.ts';
import { emptyLedger, type LedgerEntry, type LedgerState, post } from '../../lib/domain/ledger.ts';

const AT = new Date('2026-01-02T00:00:00.000Z');
const invoice = (facts: Partial<ProInvoice> = {}): ProInvoice => ({
  id: 'in_1',
  totalCents: 59_900,
  billingReason: 'subscription_create',
  paid: true,
  hasProLine: true,
  ...facts,
});

const amounts = ({ postings }: CreditChange) => postings.map(({ amount }) => amount);
const debtChanges = ({ postings }: CreditChange) => postings.map(({ metadata }) => metadata['debt_change']);

describe('a grant', () => {
  it('without debt is one entry', () => {
    const change = grant({ balance: 3, debt: 0 }, 5, 'adjustment', { why: 'test' });
    expect(change).toEqual({
      postings: [{ amount: 5, source: 'adjustment', metadata: { why: 'test' } }],
      debt: 0,
    });
  });

  it.each([
    ['less than it', 20, [60, -20], 0],
    ['as much', 60, [60, -60], 0],
    ['more', 100, [60, -60], 40],
  ] as const)('pays a debt of %s back first, and says so in an entry', (_name, debt, expected, left) => {
    const change = grantForInvoice({ balance: 0, debt }, invoice());
    expect(amounts(change)).toEqual(expected);
    expect(change.debt).toBe(left);
    expect(change.postings.map(({ source }) => source)).toEqual([
      'pro_subscription_payment',
      'refund_reversal',
    ]);
    expect(change.postings[1]?.metadata).toEqual({
      reason: 'debt_netted',
      debt_change: left - debt,
      debt_after: left,
    });
  });
});

describe('taking credits back', () => {
  it.each([
    ['all of it is there', { balance: 70, debt: 0 }, 60, -60, 0],
    ['some of it is spent: the rest is owed', { balance: 10, debt: 0 }, 60, -10, 50],
    ['all of it is spent', { balance: 0, debt: 0 }, 60, 0, 60],
    ['something is owed already', { balance: 0, debt: 7 }, 60, 0, 67],
    ['nothing is to be taken', { balance: 5, debt: 0 }, 0, 0, 0],
    ['it is given back', { balance: 5, debt: 0 }, -60, 60, 0],
    ['it is given back where some is owed: that first', { balance: 0, debt: 50 }, -60, 10, 0],
    ['less is given back than is owed', { balance: 0, debt: 50 }, -20, 0, 30],
  ] as const)('%s', (_name, owing, credits, amount, debt) => {
    const change = takeBack(owing, credits, { reason: 'test' });
    // Object.is: a ledger that says -0 somewhere does not hash like one that says 0.
    expect(amounts(change)).toEqual([amount]);
    expect(change.debt).toBe(debt);
    expect(debtChanges(change)).toEqual([debt - owing.debt]);
    expect(change.postings[0]).toMatchObject({
      source: 'refund_reversal',
      metadata: { reason: 'test', debt_after: debt },
    });
  });
});

describe('what part of an invoice is worth', () => {
  const guard = newInvoiceGuard(invoice());

  it.each([
    [0, 0],
    [1, 0],
    [998, 0],
    [999, 1],
    [29_949, 29],
    [29_950, 30],
    [59_899, 59],
    [59_900, 60],
    [59_901, 60],
    [1_000_000, 60],
  ])('%i of 59900 cents is %i credits: rounded down, and never more than all', (cents, credits) => {
    expect(creditsFor(guard, cents)).toBe(credits);
  });

  it('is never more than its share, grows with the money, and all of it is all credits', () => {
    const cents = fc.integer({ min: 0, max: 200_000 });
    fc.assert(
      fc.property(cents, cents, fc.integer({ min: 1, max: 100_000 }), (a, b, totalCents) => {
        const one = { ...guard, totalCents };
        const [less, more] = [creditsFor(one, Math.min(a, b)), creditsFor(one, Math.max(a, b))];
        expect(less).toBeLessThanOrEqual(more);
        expect(more * totalCents).toBeLessThanOrEqual(guard.credits * Math.max(a, b));
        expect(creditsFor(one, totalCents)).toBe(guard.credits);
      }),
    );
  });
});

describe('which invoices bring credits', () => {
  it.each([
    ['the first of a subscription', {}, true],
    ['a renewal', { billingReason: 'subscription_cycle' }, true],
    ['one of a cent', { totalCents: 1 }, true],
    ['one that is not paid', { paid: false }, false],
    ['one of $0', { totalCents: 0 }, false],
    ['one that pays something back', { totalCents: -500 }, false],
    ['one without a line for a period of Pro', { hasProLine: false }, false],
    ['one for a change of the subscription', { billingReason: 'subscription_update' }, false],
    ['one at a usage threshold', { billingReason: 'subscription_threshold' }, false],
    ['one by hand', { billingReason: 'manual' }, false],
    ['one that is about to come', { billingReason: 'upcoming' }, false],
    ['one for a reason that is newer than we are', { billingReason: 'something_new' }, false],
  ] as const)('%s: %o → %s', (_name, facts, brings) => {
    expect(bringsProCredits(invoice(facts))).toBe(brings);
  });
});

/*
 * Any life of an account: invoices are paid, money goes back to any level and returns, credits are spent. The model is one
 * number that may be negative: what the customer would have if credits that were spent could be taken back.
 */
type Step =
  | { readonly kind: 'invoice' }
  | { readonly kind: 'spend'; readonly credits: number }
  /** How much of the n-th invoice is with the customer now. */
  | { readonly kind: 'money_back'; readonly invoice: number; readonly cents: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.constant({ kind: 'invoice' as const }),
  fc.record({ kind: fc.constant('spend' as const), credits: fc.integer({ min: 1, max: 80 }) }),
  fc.record({
    kind: fc.constant('money_back' as const),
    invoice: fc.nat(3),
    cents: fc.oneof(fc.constantFrom(0, 59_900), fc.integer({ min: 0, max: 59_900 })),
  }),
);

interface Account {
  readonly ledger: LedgerState;
  readonly debt: number;
  readonly guards: readonly InvoiceGuard[];
  readonly entries: readonly LedgerEntry[];
}

function apply(account: Account, { postings, debt }: CreditChange): Account {
  // Throws where a balance would go below zero.
  const { state, entries } = post(account.ledger, postings, AT);
  return { ...account, ledger: state, debt, entries: [...account.entries, ...entries] };
}

function take(account: Account, todo: Step): Account {
  const owing = { balance: account.ledger.balance, debt: account.debt };
  switch (todo.kind) {
    case 'invoice': {
      const next = invoice({ id: `in_${account.guards.length}` });
      const granted = apply(account, grantForInvoice(owing, next));
      return { ...granted, guards: [...account.guards, newInvoiceGuard(next)] };
    }
    case 'spend': {
      const amount = -Math.min(todo.credits, owing.balance);
      if (amount === 0) return account;
      const postings = [{ amount, source: 'fix_deployed' as const, metadata: {} }];
      return apply(account, { postings, debt: account.debt });
    }
    case 'money_back': {
      const guard = account.guards[todo.invoice];
      if (guard === undefined) return account;
      const credits = creditsFor(guard, todo.cents);
      const changed = apply(account, takeBack(owing, credits - guard.reversedCredits, {}));
      const kept = { ...guard, reversedCents: todo.cents, reversedCredits: credits };
      return { ...changed, guards: account.guards.with(todo.invoice, kept) };
    }
    default:
      return todo satisfies never;
  }
}

describe('any sequence of invoices, fixes, refunds and restorations', () => {
  const life = fc.array(step, { maxLength: 40 });
  const START: Account = { ledger: emptyLedger('c1'), debt: 0, guards: [], entries: [] };

  it('keeps the balance at or above zero, and what is owed beside it is exactly what the model lacks', () => {
    fc.assert(
      fc.property(life, (steps) => {
        let account = START;
        let spent = 0;
        for (const todo of steps) {
          const before = account.ledger.balance;
          account = take(account, todo);
          if (todo.kind === 'spend') spent += before - account.ledger.balance;
          const earned = account.guards.reduce(
            (sum, { credits, reversedCents }) =>
              // Written out once more, in exact arithmetic.
              sum + credits - Number((60n * BigInt(reversedCents)) / 59_900n),
            0,
          );
          const { balance } = account.ledger;
          expect(balance).toBeGreaterThanOrEqual(0);
          expect(account.debt).toBeGreaterThanOrEqual(0);
          expect(balance - account.debt).toBe(earned - spent);
          const explained = account.entries.reduce(
            (sum, { metadata }) => sum + Number(metadata['debt_change'] ?? 0),
            0,
          );
          expect(account.debt).toBe(explained);
          expect(account.entries.every(({ amount }) => !Object.is(amount, -0))).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('ends the same once all money is back where it was, whatever happened between', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const detour = steps.filter(({ kind }) => kind === 'money_back');
        const start = take(take(START, { kind: 'invoice' }), { kind: 'spend', credits: 20 });
        const away = detour.reduce(take, start);
        const back = take(away, { kind: 'money_back', invoice: 0, cents: 0 });
        expect([back.ledger.balance, back.debt]).toEqual([40, 0]);
      }),
    );
  });

  it('takes the same for money that goes back at once as for money that goes back bit by bit', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 59_900 }), { minLength: 1 }), (levels) => {
        const start = take(START, { kind: 'invoice' });
        const last = levels.at(-1) ?? 0;
        const bitByBit = levels.reduce<Account>(
          (account, cents) => take(account, { kind: 'money_back', invoice: 0, cents }),
          start,
        );
        const atOnce = take(start, { kind: 'money_back', invoice: 0, cents: last });
        expect(bitByBit.ledger.balance).toBe(atOnce.ledger.balance);
        expect(bitByBit.debt).toBe(atOnce.debt);
      }),
    );
  });
});

describe('what is remembered of an invoice', () => {
  it('is what it brought, with nothing taken back yet', () => {
    expect(newInvoiceGuard(invoice())).toEqual({
      invoiceId: 'in_1',
      credits: 60,
      totalCents: 59_900,
      reversedCents: 0,
      reversedCredits: 0,
    });
  });

  it('is in its entry: which invoice, and how much', () => {
    expect(grantForInvoice({ balance: 0, debt: 0 }, invoice())).toEqual({
      postings: [
        {
          amount: 60,
          source: 'pro_subscription_payment',
          metadata: { invoice_id: 'in_1', total_cents: 59_900 },
        },
      ],
      debt: 0,
    });
  });
});
