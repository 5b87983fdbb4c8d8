import { describe, expect, it } from 'vitest';
import { NEW_PROFILE } from '../../lib/domain/customer.ts';
import { emptyLedger, type LedgerEntry, type Posting, post } from '../../lib/domain/ledger.ts';
import type { LedgerRecords, Violation } from '../../lib/domain/ledger-records.ts';
import { INVARIANTS, verifyLedger } from '../../lib/domain/verify.ts';
import { proUntil } from '../support/heads.ts';

const AT = new Date('2026-01-02T03:04:05.678Z');

const POSTINGS: Posting[] = [
  { amount: 5, source: 'trial_signup', metadata: { source: 'direct' } },
  { amount: 5, source: 'trial_billing_added', metadata: { card_fingerprint: 'fp_1' } },
  { amount: -1, source: 'fix_deployed', metadata: { fix_attempt_id: 'f1' } },
  { amount: 60, source: 'pro_subscription_payment', metadata: { invoice_id: 'in_1', total_cents: 59_900 } },
  {
    amount: 1,
    source: 'purchased',
    metadata: { payment_intent_id: 'pi_1', fix_attempt_id: 'f2', amount_cents: 2_900 },
  },
  { amount: -1, source: 'fix_deployed', metadata: { fix_attempt_id: 'f2' } },
];

/** A Pro customer with a card. */
const PAYER = {
  ...NEW_PROFILE,
  email: 'ada@customer.example',
  activeKeys: 1,
  accountKeys: 1,
  subscriptionType: 'pro',
  subscription: proUntil('2026-02-01T00:00:00.000Z'),
  paymentMethodId: 'pm_1',
  stripeCustomerId: 'cus_1',
} as const;

function soundRecords(postings: readonly Posting[] = POSTINGS): LedgerRecords {
  const { state, entries } = post(emptyLedger('c1'), postings, AT);
  return {
    head: { ...state, ...PAYER },
    entries,
    fixes: [
      { id: 'f1', billed: true, announcedAttempts: 0, paymentIntentId: null },
      { id: 'f2', billed: true, announcedAttempts: 1, paymentIntentId: 'pi_1' },
    ],
    guards: new Set(['invoice#in_1', 'card_bonus#first']),
    cardBonuses: new Map([['fp_1', 'c1']]),
    stripeCustomers: [{ id: 'cus_1', boundTo: 'c1' }],
    emailOwner: 'c1',
    activeKeys: 1,
    accountKeys: 1,
    events: [{ id: 'evt_1', outcome: 'processed' }],
  };
}

/** The valid records with entry `seq` replaced. */
function tampered(seq: number, change: (entry: LedgerEntry) => LedgerEntry): LedgerRecords {
  const records = soundRecords();
  return { ...records, entries: records.entries.map((entry) => (entry.seq === seq ? change(entry) : entry)) };
}

const found = (records: LedgerRecords): [number | null, number | null][] =>
  verifyLedger(records).map(({ invariant, seq }: Violation) => [invariant, seq]);

describe('verify', () => {
  it('verify finds nothing in a sound ledger', () => {
    expect(verifyLedger(soundRecords())).toEqual([]);
  });

  it('verify reports an entry whose amount was changed', () => {
    const violations = found(tampered(3, (entry) => ({ ...entry, amount: -2 })));
    expect(violations).toContainEqual([3, 3]);
    expect(violations).toContainEqual([2, null]);
  });

  it('verify reports an entry that was changed and rehashed, by the entry after it', () => {
    const records = soundRecords();
    const forged = soundRecords([
      { ...POSTINGS[0], metadata: { source: 'forged' } } as Posting,
      ...POSTINGS.slice(1),
    ]);
    const [first] = forged.entries;
    const entries = records.entries.map((entry) => (entry.seq === 1 && first ? first : entry));
    expect(found({ ...records, entries })).toContainEqual([3, 2]);
  });

  it('verify reports a missing entry, in the middle and at the end', () => {
    const records = soundRecords();
    const without = (seq: number) => ({
      ...records,
      entries: records.entries.filter((entry) => entry.seq !== seq),
    });
    expect(found(without(2))).toContainEqual([3, 2]);
    expect(found(without(6))).toContainEqual([3, 6]);
  });

  it('verify reports a run of missing entries once, however long it is', () => {
    const records = soundRecords();
    const violations = verifyLedger({ ...records, head: { ...records.head, seq: 1_000_000_000 } });
    expect(violations.map(({ message }) => message)).toContain('entries 7 to 1000000000 are missing');
  });

  it('verify reports entries whose order was changed', () => {
    const records = soundRecords();
    const [a, b, c, ...rest] = records.entries;
    if (!a || !b || !c) throw new Error('too few entries');
    expect(found({ ...records, entries: [a, c, b, ...rest] })).toContainEqual([3, 2]);
  });

  it('verify reports a head that was changed: balance, chain, or set back', () => {
    const records = soundRecords();
    const withHead = (change: object) => found({ ...records, head: { ...records.head, ...change } });
    expect(withHead({ balance: 100 })).toContainEqual([2, null]);
    expect(withHead({ chain: 'f'.repeat(64) })).toContainEqual([3, 6]);
    expect(withHead({ seq: 5 })).toContainEqual([3, 6]);
    expect(withHead({ balance: -1 })).toContainEqual([1, null]);
  });

  it('verify reports an entry of another customer', () => {
    expect(found(tampered(4, (entry) => ({ ...entry, customerId: 'c2' })))).toContainEqual([3, 4]);
  });

  it('verify reports an entry that left the balance below zero', () => {
    expect(found(tampered(3, (entry) => ({ ...entry, balanceAfter: -1 })))).toContainEqual([1, 3]);
  });

  it('verify reports a second deployment of one fix, and fixes and entries that do not match', () => {
    const deploy = { amount: -1, source: 'fix_deployed', metadata: { fix_attempt_id: 'f1' } } as const;
    const twice = { ...soundRecords([...POSTINGS, deploy]) };
    expect(found(twice)).toContainEqual([4, 7]);
    const records = soundRecords();
    expect(found({ ...records, fixes: records.fixes.slice(1) })).toContainEqual([4, 3]);
    const unposted = { id: 'f3', billed: true, announcedAttempts: 0, paymentIntentId: null };
    expect(found({ ...records, fixes: [...records.fixes, unposted] })).toEqual([[4, null]]);
  });

  it('verify reports an invoice or a charge that was counted twice', () => {
    const invoice = {
      amount: 60,
      source: 'pro_subscription_payment',
      metadata: { invoice_id: 'in_1', total_cents: 59_900 },
    } as const;
    expect(found(soundRecords([...POSTINGS, invoice]))).toEqual([[5, 7]]);
    const charge = {
      amount: 1,
      source: 'purchased',
      metadata: { payment_intent_id: 'pi_1', amount_cents: 2_900 },
    } as const;
    expect(found(soundRecords([...POSTINGS, charge]))).toEqual([[5, 7]]);
    const unnamed = { amount: 1, source: 'purchased', metadata: {} } as const;
    expect(found({ ...soundRecords([...POSTINGS, unnamed]) })).toContainEqual([5, 7]);
  });

  it('verify reports a purchase that no stored fix announced', () => {
    const records = soundRecords();
    const fixes = records.fixes.map((fix) => ({ ...fix, announcedAttempts: 0, paymentIntentId: null }));
    expect(found({ ...records, fixes })).toEqual([[7, 5]]);
  });

  it("verify reports a second trial grant, a second card bonus, and a bonus for another customer's card", () => {
    const trial = { amount: 5, source: 'trial_signup', metadata: {} } as const;
    expect(found(soundRecords([...POSTINGS, trial]))).toEqual([[6, 7]]);
    const bonus = {
      amount: 5,
      source: 'trial_billing_added',
      metadata: { card_fingerprint: 'fp_1' },
    } as const;
    expect(found(soundRecords([...POSTINGS, bonus]))).toEqual([[6, 7]]);
    expect(found({ ...soundRecords(), cardBonuses: new Map([['fp_1', 'c2']]) })).toEqual([[6, 2]]);
  });

  it('verify reports a webhook event without an outcome', () => {
    expect(found({ ...soundRecords(), events: [{ id: 'evt_2', outcome: null }] })).toEqual([[8, null]]);
    expect(found({ ...soundRecords(), events: [{ id: 'evt_2', outcome: 'parked' }] })).toEqual([]);
  });
});

describe('what verify says', () => {
  const records = soundRecords();
  const withHead = (change: object): LedgerRecords => ({ ...records, head: { ...records.head, ...change } });
  const without = (...seqs: number[]): LedgerRecords => ({
    ...records,
    entries: records.entries.filter(({ seq }) => !seqs.includes(seq)),
  });
  const inOrder = (...seqs: number[]): LedgerRecords => ({
    ...records,
    entries: seqs.flatMap((seq) => records.entries.filter((entry) => entry.seq === seq)),
  });
  const more = (...postings: Posting[]) => soundRecords([...POSTINGS, ...postings]);

  it.each<[string, LedgerRecords, string[]]>([
    [
      'of another customer’s entry',
      tampered(4, (entry) => ({ ...entry, customerId: 'c2' })),
      ['entry 4 belongs to customer c2', 'entry 4 was changed: its hash does not match'],
    ],
    ['of a missing entry', without(2), ['entry 2 is missing']],
    ['of missing entries', without(3, 4), ['entries 3 to 4 are missing']],
    ['of entries out of order', inOrder(1, 3, 2, 4, 5, 6), ['entry 2 is out of order']],
    ['of an entry that is there twice', inOrder(1, 2, 2, 3, 4, 5, 6), ['entry 2 is out of order']],
    [
      'of a wrong balance_after',
      tampered(3, (entry) => ({ ...entry, balanceAfter: 8 })),
      [
        'entry 3 has balance_after 8, expected 9',
        'entry 4 has balance_after 69, expected 68',
        'entry 3 was changed: its hash does not match',
      ],
    ],
    [
      'of a broken chain',
      tampered(3, (entry) => ({ ...entry, prevHash: 'x' })),
      ['entry 3 does not follow the previous entry', 'entry 3 was changed: its hash does not match'],
    ],
    ['of a head’s chain', withHead({ chain: 'x' }), ["the head's chain is not the hash of entry 6"]],
    [
      'of a head that is behind',
      withHead({ seq: 5 }),
      ['the head is at entry 5, the ledger continues to entry 6'],
    ],
    [
      'of an entry below zero',
      tampered(3, (entry) => ({ ...entry, balanceAfter: -1 })),
      ['entry 3 left a balance of -1'],
    ],
    [
      'of a balance below zero',
      withHead({ balance: -1 }),
      ['the balance is -1', 'the balance is -1, the entries add up to 69'],
    ],
    [
      'of a plan that no subscription gives',
      withHead({ subscription: null }),
      ['the plan is pro, but with no subscription it should be pay_as_you_go'],
    ],
    [
      'of a plan that is not the one of its subscription',
      withHead({ subscriptionType: 'pay_as_you_go' }),
      ['the plan is pay_as_you_go, but with a subscription that is active it should be pro'],
    ],
    [
      'of a card and a subscription without a Stripe customer',
      withHead({ stripeCustomerId: null }),
      [
        'payment method pm_1 is on file without a Stripe customer',
        'subscription sub_1 is stored without a Stripe customer',
      ],
    ],
    [
      'of disputes without a Stripe customer',
      withHead({ ...NEW_PROFILE, openDisputes: ['du_1', 'du_2'] }),
      ['disputes are open (du_1, du_2) without a Stripe customer'],
    ],
    ['of a debt', withHead({ debt: 4 }), ['the debt is 4, the entries add up to 0']],
    [
      'of a second deployment',
      more({ amount: -1, source: 'fix_deployed', metadata: { fix_attempt_id: 'f1' } }),
      ['entry 7 deploys fix f1 a second time'],
    ],
    [
      'of a deployed fix that is not billed',
      { ...records, fixes: records.fixes.slice(1) },
      ['entry 3 deploys fix f1, which is not stored as billed'],
    ],
    [
      'of a billed fix without an entry',
      {
        ...records,
        fixes: [...records.fixes, { id: 'f3', billed: true, announcedAttempts: 0, paymentIntentId: null }],
      },
      ['fix f3 is billed without a ledger entry'],
    ],
    [
      'of money that is not named',
      {
        ...more(
          { amount: 1, source: 'purchased', metadata: {} },
          { amount: 60, source: 'pro_subscription_payment', metadata: {} },
        ),
      },
      ['entry 7 does not name its payment_intent_id', 'entry 8 does not name its invoice_id'],
    ],
    [
      'of money that is counted twice',
      {
        ...more({ amount: 60, source: 'pro_subscription_payment', metadata: { invoice_id: 'in_1' } }),
      },
      ['entry 7 counts in_1 a second time'],
    ],
    [
      'of a payment that was not announced',
      {
        ...records,
        fixes: records.fixes.map((fix) => ({ ...fix, paymentIntentId: null })),
      },
      ['entry 5 records payment intent pi_1, which no fix announced'],
    ],
    [
      'of a second trial',
      more({ amount: 5, source: 'trial_signup', metadata: {} }),
      ['entry 7 grants trial_signup a second time'],
    ],
    [
      'of a bonus for somebody else’s card',
      { ...records, cardBonuses: new Map([['fp_1', 'c2']]) },
      ['entry 2 grants a bonus for a card whose bonus belongs to c2'],
    ],
    [
      'of a bonus for nobody’s card',
      { ...records, cardBonuses: new Map() },
      ['entry 2 grants a bonus for a card whose bonus belongs to no customer'],
    ],
    [
      'of a grant and what was taken back of it without their guard',
      {
        ...more({ amount: -1, source: 'refund_reversal', metadata: { invoice_id: 'in_3' } }),
        guards: new Set(['card_bonus#first']),
      },
      [
        'entry 4 could be repeated: its guard invoice#in_1 is missing',
        'entry 7 could be repeated: its guard invoice#in_3 is missing',
      ],
    ],
    [
      'of a bonus and an adjustment without their guards',
      {
        ...more({ amount: 1, source: 'adjustment', metadata: { idempotency_key: 'k2' } }),
        guards: new Set(['invoice#in_1', 'adjustment#k1']),
      },
      [
        'entry 2 could be repeated: its guard card_bonus#first is missing',
        'entry 7 could be repeated: its guard adjustment#k2 is missing',
      ],
    ],
    [
      'of Stripe customers who are bound to somebody else, or to nobody',
      {
        ...records,
        stripeCustomers: [
          { id: 'cus_1', boundTo: 'c2' },
          { id: 'cus_2', boundTo: null },
        ],
      },
      [
        'Stripe customer cus_1 is bound to c2, so its payments do not reach this customer',
        'Stripe customer cus_2 is bound to no customer, so its payments do not reach this customer',
      ],
    ],
    [
      'of an address that is somebody else’s, without naming it',
      { ...records, emailOwner: 'c2' },
      ['the e-mail address is bound to c2'],
    ],
    [
      'of an address that is nobody’s, and of keys that are counted wrong',
      { ...records, emailOwner: null, activeKeys: 2, accountKeys: 0 },
      [
        'the e-mail address is bound to no customer',
        'the head counts 1 active keys, but 2 are stored',
        'the head counts 1 active keys for the account, but 0 are stored',
      ],
    ],
    [
      'of events that ended as nothing',
      {
        ...records,
        events: [
          { id: 'evt_2', outcome: null },
          { id: 'evt_3', outcome: 'lost' },
        ],
      },
      ['event evt_2 has the outcome none', 'event evt_3 has the outcome lost'],
    ],
  ])('a violation %s names the entry, the expected and the actual value', (_name, faulty, expected) => {
    const messages = verifyLedger(faulty).map(({ message }) => message);
    expect(messages).toEqual(expect.arrayContaining(expected));
  });

  it('a head that was set back as a whole is one fault of the chain', () => {
    const { state } = post(emptyLedger('c1'), POSTINGS.slice(0, 5), AT);
    const ofChain = verifyLedger(withHead(state)).filter(({ invariant }) => invariant === 3);
    expect(ofChain.map(({ message }) => message)).toEqual([
      'the head is at entry 5, the ledger continues to entry 6',
    ]);
  });

  it('one missing entry is not reported as several, and a changed one is reported once per fault', () => {
    const ofChain = (faulty: LedgerRecords) =>
      verifyLedger(faulty).filter(({ invariant }) => invariant === 3);
    expect(ofChain(without(2)).map(({ message }) => message)).toEqual([
      'entry 2 is missing',
      'entry 3 has balance_after 9, expected 4',
      'entry 3 does not follow the previous entry',
    ]);
  });

  it('an exhausted balance, and a debt that the entries explain, are no violation', () => {
    const usedUp = post(
      emptyLedger('c1'),
      [
        { amount: 1, source: 'trial_signup', metadata: {} },
        { amount: -1, source: 'refund_reversal', metadata: { debt_change: 5 } },
      ],
      AT,
    );
    const sound = { ...records, fixes: [], entries: usedUp.entries };
    expect(verifyLedger({ ...sound, head: { ...usedUp.state, ...PAYER, debt: 5 } })).toEqual([]);
    const forgotten = verifyLedger({ ...sound, head: { ...usedUp.state, ...PAYER } });
    expect(forgotten).toEqual([
      { invariant: 2, seq: null, message: 'the debt is 0, the entries add up to 5' },
    ]);
  });

  it('the address of a closed account is no violation', () => {
    expect(verifyLedger({ ...withHead({ email: '' }), emailOwner: null })).toEqual([]);
  });

  it('each invariant has a sentence', () => {
    expect(Object.keys(INVARIANTS)).toEqual(['1', '2', '3', '4', '5', '6', '7', '8']);
    for (const sentence of Object.values(INVARIANTS)) expect(sentence).toMatch(/^[a-z].{20,}/);
  });
});
