import { describe, expect, it } from 'vitest';
import { NEW_PROFILE } from '../../lib/domain/customer.ts';
import { afterEntries, ledgerStart } from '../../lib/domain/evidence/verify-chain.ts';
import { emptyLedger, type Posting, post } from '../../lib/domain/ledger.ts';
import type { LedgerBefore, LedgerRecords, VerifiableFix } from '../../lib/domain/ledger-records.ts';
import { verifyEnd, verifyLedger, verifyPart } from '../../lib/domain/verify.ts';

/* A long ledger is verified in parts: the findings of a part alone, and those at the end only. */

const AT = new Date('2026-01-02T03:04:05.678Z');
const POSTINGS: readonly Posting[] = [
  { amount: 5, source: 'trial_signup', metadata: {} },
  { amount: 5, source: 'trial_billing_added', metadata: { card_fingerprint: 'fp_1' } },
  { amount: -1, source: 'fix_deployed', metadata: { fix_attempt_id: 'f1' } },
  { amount: 60, source: 'pro_subscription_payment', metadata: { invoice_id: 'in_1' } },
  { amount: -69, source: 'refund_reversal', metadata: { debt_change: 4, debt_after: 4 } },
];
const { state, entries } = post(emptyLedger('c1'), POSTINGS, AT);
const FIX: VerifiableFix = {
  id: 'f1',
  billed: true,
  billedSeq: 3,
  announcedAttempts: 0,
  paymentIntentId: null,
};
const REST = {
  guards: new Set(['invoice#in_1', 'card_bonus#first']),
  cardBonuses: new Map([['fp_1', 'c1']]),
  stripeCustomers: [],
  emailOwner: 'c1',
  activeKeys: 1,
  accountKeys: 1,
  events: [],
};
const START = ledgerStart('c1');
const HEAD = { ...state, ...NEW_PROFILE, email: 'a@x.io', activeKeys: 1, accountKeys: 1, debt: 4 };

/** The entries in a range, with the state before them. */
function part(from: number, to: number, facts: Partial<LedgerRecords> = {}): LedgerRecords {
  const before = afterEntries(START, entries.slice(0, from));
  const after = afterEntries(START, entries.slice(0, to));
  const own = entries.slice(from, to);
  const fixes = own.some(({ source }) => source === 'fix_deployed') ? [FIX] : [];
  const head = { ...HEAD, ...after, debt: after.owed };
  return { head, before, entries: own, fixes, ...REST, ...facts };
}

const end = (before: LedgerBefore, head: Partial<LedgerRecords['head']> = {}) =>
  verifyEnd({ head: { ...HEAD, ...head }, before, entries: [], fixes: [], ...REST });

describe('where a ledger stands', () => {
  it('a ledger starts with an empty state', () => {
    expect(START).toEqual({
      ...emptyLedger('c1'),
      sum: 0,
      owed: 0,
      grants: { trial_signup: 0, trial_billing_added: 0 },
    });
  });

  it('the state after entries has their end, their sums, and the number of one-time grants', () => {
    expect(afterEntries(START, entries)).toEqual({
      customerId: 'c1',
      balance: 0,
      seq: 5,
      chain: state.chain,
      sum: 0,
      owed: 4,
      grants: { trial_signup: 1, trial_billing_added: 1 },
    });
  });

  it('the state is the same part by part, and does not change without an entry', () => {
    const [first, second] = [entries.slice(0, 2), entries.slice(2)];
    const half = afterEntries(START, first);
    expect(half).toMatchObject({ seq: 2, sum: 10, grants: { trial_signup: 1, trial_billing_added: 1 } });
    expect(afterEntries(half, second)).toEqual(afterEntries(START, entries));
    expect(afterEntries(half, [])).toBe(half);
  });
});

describe('a part of a sound ledger', () => {
  it('a part of a sound ledger has no violation, wherever it is cut', () => {
    for (let cut = 0; cut <= entries.length; cut++) {
      expect(verifyPart(part(0, cut))).toEqual([]);
      expect(verifyPart(part(cut, entries.length))).toEqual([]);
      expect(end(afterEntries(START, entries))).toEqual([]);
    }
  });

  it('a part that repeats a one-time grant of an earlier part is a violation', () => {
    const { before, ...rest } = part(1, 5);
    expect(verifyPart({ ...rest, before: before ?? START })).toEqual([]);
    const grants = { trial_signup: 0, trial_billing_added: 1 };
    const again = verifyPart({ ...rest, before: { ...(before ?? START), grants } });
    expect(again).toMatchObject([{ invariant: 6, seq: 2 }]);
  });

  it('a part that deploys a fix naming another entry is a violation', () => {
    const found = verifyPart(part(2, 3, { fixes: [{ ...FIX, billedSeq: 9 }] }));
    expect(found).toEqual([{ invariant: 4, seq: 3, message: 'entry 3 deploys fix f1, which names entry 9' }]);
  });

  it('a part that deploys a fix naming no entry is no violation', () => {
    expect(verifyPart(part(2, 3, { fixes: [{ ...FIX, billedSeq: null }] }))).toEqual([]);
    const { billedSeq, ...unnamed } = FIX;
    expect(billedSeq).toBe(3);
    expect(verifyPart(part(2, 3, { fixes: [unnamed] }))).toEqual([]);
  });

  it('a part may buy the credit of a fix in an entry that the fix does not name', () => {
    const bought = post(
      emptyLedger('c1'),
      [
        { amount: 1, source: 'purchased', metadata: { payment_intent_id: 'pi_1', fix_attempt_id: 'f2' } },
        { amount: -1, source: 'fix_deployed', metadata: { fix_attempt_id: 'f2' } },
      ],
      AT,
    );
    const fix = { id: 'f2', billed: true, billedSeq: 2, announcedAttempts: 1, paymentIntentId: 'pi_1' };
    const head = { ...HEAD, ...bought.state, debt: 0 };
    const records = { head, before: START, entries: bought.entries, fixes: [fix], ...REST };
    expect(verifyPart(records)).toEqual([]);
  });

  it('a part is checked for every invariant that it can show', () => {
    const found = (facts: Partial<LedgerRecords>, from = 2, to = 4) =>
      verifyPart(part(from, to, facts)).map(({ invariant }) => invariant);
    const { before = START } = part(2, 4);
    expect(found({ before: { ...before, chain: 'other' } })).toContain(3);
    expect(found({ before: { ...before, sum: 1 } })).toContain(2);
    expect(found({ fixes: [{ ...FIX, billed: false }] })).toContain(4);
    expect(found({ guards: new Set() })).toContain(5);
    expect(found({ cardBonuses: new Map() }, 1, 2)).toContain(6);
  });
});

describe('the end of a ledger', () => {
  const after = afterEntries(START, entries);

  it.each([
    ['an entry is missing', { seq: 6 }, 3],
    ['the balance is not the sum', { balance: 1 }, 2],
    ['the debt is not the sum', { debt: 5 }, 2],
    ['the head has a card without a Stripe customer', { paymentMethodId: 'pm_1' }, null],
    ['the keys are not counted right', { activeKeys: 2 }, null],
    ['the keys for the account are not counted right', { accountKeys: 0 }, null],
  ])('the check of the end shows that %s', (_, head, invariant) => {
    expect(end(after, head).map((violation) => violation.invariant)).toContain(invariant);
  });

  it('the check of the end shows that a Stripe customer is bound to another one', () => {
    const records = { head: HEAD, before: after, entries: [], fixes: [], ...REST };
    const stripeCustomers = [{ id: 'cus_1', boundTo: 'c2' }];
    expect(verifyEnd({ ...records, stripeCustomers })).toHaveLength(1);
  });
});

describe('grants of one invoice', () => {
  const violations = (...metadata: Posting['metadata'][]) => {
    const postings = metadata.map(
      (one): Posting => ({
        amount: 60,
        source: 'pro_subscription_payment',
        metadata: one,
      }),
    );
    const made = post(emptyLedger('c1'), postings, AT);
    const names = metadata.map((one) => `invoice#${one['invoice_id']}`);
    return verifyLedger({
      head: { ...HEAD, ...made.state, debt: 0 },
      entries: made.entries,
      fixes: [],
      ...REST,
      cardBonuses: new Map(),
      guards: new Set(names),
    }).filter(({ invariant }) => invariant === 5);
  };

  it('an invoice has one grant for each line', () => {
    const line = (line_id: string) => ({ invoice_id: 'in_1', line_id });
    expect(violations(line('il_1'), line('il_2'))).toEqual([]);
    expect(violations(line('il_1'), line('il_1'))).toMatchObject([{ seq: 2 }]);
  });

  it('an invoice of an earlier release, without lines, has one grant', () => {
    expect(violations({ invoice_id: 'in_1' }, { invoice_id: 'in_1' })).toMatchObject([{ seq: 2 }]);
    expect(violations({ invoice_id: 'in_1', line_id: '2' }, { invoice_id: 'in_12' })).toEqual([]);
  });
});
