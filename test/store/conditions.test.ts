import { DeleteCommand, GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeAll, describe, expect, it } from 'vitest';
import type { CustomerHead, CustomerProfile } from '../../lib/domain/customer.ts';
import type { BilledFacts, FixCharge } from '../../lib/domain/fix-attempt.ts';
import { emptyLedger, type LedgerState, type Posting, post } from '../../lib/domain/ledger.ts';
import { keyIssued } from '../../lib/domain/notices/key-notices.ts';
import { onboardCustomer } from '../../lib/operations/accounts/onboard-customer.ts';
import { billFixAttempt } from '../../lib/operations/fixes/bill-fix-attempt.ts';
import { recordFixAttempt } from '../../lib/operations/fixes/record-fix-attempt.ts';
import { adjustCredits } from '../../lib/operations/ledger/adjust-credits.ts';
import type { PaymentDeps } from '../../lib/runtime/deps.ts';
import { putFirstKey } from '../../lib/store/api-keys.ts';
import { listDueWork, postponeWork } from '../../lib/store/due-work.ts';
import { type EventRecord, recordEvent } from '../../lib/store/events.ts';
import { announceCharge, billFix, endCharge, putNewFix } from '../../lib/store/fix-attempts.ts';
import {
  type AdjustmentGuard,
  guardAdjustment,
  keepInvoice,
  spendCardBonus,
} from '../../lib/store/guards.ts';
import { decodeHead } from '../../lib/store/heads.ts';
import { type Key, keys } from '../../lib/store/keys.ts';
import { commit, createCustomer, type HeadChange } from '../../lib/store/ledger.ts';
import { putNotice } from '../../lib/store/notices.ts';
import { keepOrder, type ProOrder } from '../../lib/store/orders.ts';
import { bindStripeId } from '../../lib/store/owners.ts';
import { hitRateLimit } from '../../lib/store/rate-limits.ts';
import { keepRenewal, type Renewal } from '../../lib/store/renewals.ts';
import { readTogether, type Write } from '../../lib/store/table.ts';
import { recordedFix } from '../support/customers.ts';
import { documents } from '../support/documents.ts';
import { customerWith, uniqueEmail } from '../support/fixtures.ts';
import { chargeOf } from '../support/heads.ts';
import { guardOf } from '../support/invoices.ts';
import { openTestTable, testDeps } from '../support/table.ts';

/*
 * Tests each condition where only this condition prevents a lost credit. Some conditions also cover for each
 * other, so a test of the whole would not notice a missing one.
 */

let deps: PaymentDeps;
beforeAll(async () => {
  deps = testDeps(await openTestTable());
});

const AT = new Date('2026-01-02T03:04:05.678Z');
const plus = (amount: number): Posting => ({ amount, source: 'adjustment', metadata: {} });
const BILLED: BilledFacts = {
  outcome: 'credit_consumed',
  amountCents: 0,
  billedAt: AT.toISOString(),
  seq: 2,
  paymentIntentId: null,
  spendingMonth: null,
};
const KEY_ID = 'k'.repeat(64);
const FACTS: AdjustmentGuard = { amount: 1, reason: 'r', actor: 'a', balanceAfter: 1, seq: 1 };
const guard = (customerId: string, key: string): Write => guardAdjustment(customerId, key, FACTS);

async function readHead(customerId: string) {
  const [item] = await readTogether(deps.table, [keys.head(customerId)]);
  if (item === undefined) throw new Error('no head');
  return decodeHead(item);
}

/** Writes at the current head, so that only the conditions of the written items can reject it. */
async function commitNow(customerId: string, alongside: readonly Write[]) {
  const head = await readHead(customerId);
  const { kind } = await commit(deps.table, head, moved(head), alongside);
  return kind;
}

/** The head after these entries, with no other change. */
const moved = (
  head: CustomerHead,
  { state = head, entries = [] }: Partial<ReturnType<typeof post>> = {},
  profile: Partial<CustomerProfile> = {},
): HeadChange => ({ next: { ...head, ...state, ...profile }, entries, changesProfile: false, at: AT });

async function readItem(key: Key) {
  const { Item } = await documents(deps.table).send(
    new GetCommand({ TableName: deps.table.name, Key: { ...key }, ConsistentRead: true }),
  );
  return Item;
}

async function setBackHead(customerId: string, to: LedgerState): Promise<void> {
  await documents(deps.table).send(
    new UpdateCommand({
      TableName: deps.table.name,
      Key: keys.head(customerId),
      UpdateExpression: 'SET seq = :s, balance = :b, chain = :c',
      ExpressionAttributeValues: { ':s': to.seq, ':b': to.balance, ':c': to.chain },
    }),
  );
}

describe('a change of balance', () => {
  it('HEAD_UNMOVED: a change is not written over a head that moved, even if its entry number is free', async () => {
    const { head } = await customerWith(deps, 5);
    const stale = await readHead(head.customerId);
    const first = post(stale, [plus(10)], AT);
    await commit(deps.table, stale, moved(stale, first), [guard(head.customerId, 'first')]);
    await documents(deps.table).send(
      new DeleteCommand({ TableName: deps.table.name, Key: { ...keys.entry(head.customerId, 2) } }),
    );
    const second = post(stale, [plus(1)], AT);
    const result = await commit(deps.table, stale, moved(stale, second), [guard(head.customerId, 'second')]);
    expect(result).toMatchObject({ kind: 'lost', head: { balance: 15 } });
    expect((await readHead(head.customerId)).balance).toBe(15);
  });

  it('PROFILE_UNMOVED: a change is not written over a profile that moved, even without a new entry', async () => {
    const { head } = await customerWith(deps, 5);
    const { customerId } = head;
    const stale = await readHead(customerId);
    const withPlan = (subscriptionType: 'pro' | 'pay_as_you_go', debt: number) =>
      commit(
        deps.table,
        stale,
        { ...moved(stale, {}, { subscriptionType, debt }), changesProfile: true },
        [],
      );
    expect((await withPlan('pro', 3)).kind).toBe('committed');
    expect(await withPlan('pay_as_you_go', 0)).toMatchObject({
      kind: 'lost',
      head: { subscriptionType: 'pro' },
    });
    // An entry that was decided on the earlier debt is rejected too.
    const entry = post(stale, [plus(60)], AT);
    expect((await commit(deps.table, stale, moved(stale, entry), [])).kind).toBe('lost');
    // So is a write that only requires an unchanged profile.
    expect((await commit(deps.table, stale, moved(stale), [guard(customerId, 'beside')])).kind).toBe('lost');
    expect(await readHead(customerId)).toMatchObject({
      subscriptionType: 'pro',
      debt: 3,
      balance: 5,
      revision: stale.revision + 1,
    });
  });

  it('ENTRY_IS_NEW: an entry is never overwritten, even if the head was set back by hand', async () => {
    const { head } = await customerWith(deps, 5);
    const before = await readHead(head.customerId);
    const first = post(before, [plus(10)], AT);
    await commit(deps.table, before, moved(before, first), [guard(head.customerId, 'first')]);
    await setBackHead(head.customerId, before);
    const second = post(before, [plus(1)], AT);
    await expect(
      commit(deps.table, before, moved(before, second), [guard(head.customerId, 'second')]),
    ).rejects.toThrow(/entry above 1 exists/);
    expect(await readItem(keys.entry(head.customerId, 2))).toMatchObject({ amount: 10 });
  });

  it('GUARD_IS_NEW: a change does not happen twice under one guard, even on a fresh head', async () => {
    const { head } = await customerWith(deps, 5);
    for (const expected of ['committed', 'lost'] as const) {
      const fresh = await readHead(head.customerId);
      const next = post(fresh, [plus(3)], AT);
      const result = await commit(deps.table, fresh, moved(fresh, next), [guard(head.customerId, 'same')]);
      expect(result.kind).toBe(expected);
    }
    expect((await readHead(head.customerId)).balance).toBe(8);
  });
});

describe('a fix', () => {
  it('FIX_NOT_BILLED: a fix is not billed twice by a caller that read it before the first billing and the head after', async () => {
    const { head } = await customerWith(deps, 5);
    const fixId = await recordedFix(deps, head.customerId, 1);
    await billFixAttempt(deps, head.customerId, fixId);
    const fresh = await readHead(head.customerId);
    const next = post(
      fresh,
      [{ amount: -1, source: 'fix_deployed', metadata: { fix_attempt_id: fixId } }],
      AT,
    );
    const result = await commit(deps.table, fresh, moved(fresh, next), [
      billFix(head.customerId, { id: fixId, charge: null }, BILLED),
    ]);
    expect(result).toMatchObject({ kind: 'lost', winners: [{ billed: { outcome: 'credit_consumed' } }] });
    expect((await readHead(head.customerId)).balance).toBe(4);
  });

  it('FIX_NOT_BILLED: a fix that was never recorded is not billed', async () => {
    const { head } = await customerWith(deps, 5);
    await expect(billFixAttempt(deps, head.customerId, 'a'.repeat(32))).rejects.toMatchObject({
      code: 'fix_attempt_not_found',
    });
    const fresh = await readHead(head.customerId);
    const next = post(fresh, [plus(-1)], AT);
    const once = billFix(head.customerId, { id: 'a'.repeat(32), charge: null }, BILLED);
    expect((await commit(deps.table, fresh, moved(fresh, next), [once])).kind).toBe('lost');
  });

  it('FIX_IS_NEW: a fix keeps the first recording, even against a caller that read nothing', async () => {
    const { head } = await customerWith(deps, 5);
    const fixId = await recordedFix(deps, head.customerId, 2);
    await billFixAttempt(deps, head.customerId, fixId);
    const again = {
      id: fixId,
      githubOrg: 'ACME',
      repoName: 'webshop',
      prNumber: 2,
      prTitle: 'another title',
      prUrl: 'https://example.com',
      issueNumber: null,
      issueTitle: null,
      issueUrl: null,
      vulnerabilityId: null,
      metadataJson: null,
      createdAt: AT.toISOString(),
    };
    expect(await putNewFix(deps.table, head.customerId, again)).toMatchObject({
      kind: 'exists',
      fix: { prTitle: 'Fix 2', billed: { outcome: 'credit_consumed' } },
    });
    expect(await recordFixAttempt(deps, head.customerId, again)).toMatchObject({ created: false });
  });
});

const CHARGE = chargeOf({ startedAt: AT.toISOString() });

describe('a charge', () => {
  async function announced() {
    const { head } = await customerWith(deps, 5);
    const { customerId } = head;
    const id = await recordedFix(deps, customerId, 1);
    expect(await commitNow(customerId, [announceCharge(customerId, { id, charge: null }, CHARGE)])).toBe(
      'committed',
    );
    return { customerId, id };
  }

  it('CHARGE_IS_ABSENT: a fix whose card is being charged costs no credit, and gets no second charge', async () => {
    const { customerId, id } = await announced();
    const asRead = { id, charge: null };
    const fresh = await readHead(customerId);
    const next = post(fresh, [{ amount: -1, source: 'fix_deployed', metadata: { fix_attempt_id: id } }], AT);
    const consumed = await commit(deps.table, fresh, moved(fresh, next), [
      billFix(customerId, asRead, BILLED),
    ]);
    expect(consumed).toMatchObject({ kind: 'lost', winners: [{ charge: { state: 'charging' } }] });
    const other = announceCharge(customerId, asRead, { ...CHARGE, paymentMethodId: 'pm_2' });
    expect(await commitNow(customerId, [other])).toBe('lost');
    expect((await readHead(customerId)).balance).toBe(5);
    expect(await readItem(keys.fix(customerId, id))).toMatchObject({ charge: { payment_method_id: 'pm_1' } });
  });

  it('CHARGE_UNMOVED: of two callers that saw the same attempt end, one announces the next', async () => {
    const { customerId, id } = await announced();
    const declined: FixCharge = { ...CHARGE, state: 'declined', paymentIntentId: 'pi_1' };
    expect(await commitNow(customerId, [endCharge(customerId, { id, charge: CHARGE }, declined)])).toBe(
      'committed',
    );
    const announceNext = (paymentMethodId: string) =>
      commitNow(customerId, [
        announceCharge(customerId, { id, charge: declined }, { ...CHARGE, attempt: 2, paymentMethodId }),
      ]);
    expect(await announceNext('pm_2')).toBe('committed');
    expect(await announceNext('pm_3')).toBe('lost');
    expect(await readItem(keys.fix(customerId, id))).toMatchObject({
      charge: { attempt: 2, payment_method_id: 'pm_2' },
    });
  });

  it('CHARGE_UNMOVED: a caller with a stale read cannot end an attempt twice, nor end the next one', async () => {
    const { customerId, id } = await announced();
    const end = (state: FixCharge['state']) =>
      commitNow(customerId, [endCharge(customerId, { id, charge: CHARGE }, { ...CHARGE, state })]);
    expect(await end('action_required')).toBe('committed');
    expect(await end('closed')).toBe('lost');
    const asked: FixCharge = { ...CHARGE, state: 'action_required' };
    await commitNow(customerId, [
      announceCharge(customerId, { id, charge: asked }, { ...CHARGE, attempt: 2 }),
    ]);
    expect(await end('closed')).toBe('lost');
    expect(await readItem(keys.fix(customerId, id))).toMatchObject({
      charge: { attempt: 2, state: 'charging' },
      due: 'charge',
    });
  });

  it('WORK_IS_DUE: a charge that was settled during the sweep is not changed', async () => {
    const { customerId, id } = await announced();
    const work = (await listDueWork(deps.table, 'charge', AT, 100)).find(
      ({ item }) => item.kind === 'fix' && item.id === id,
    );
    if (work === undefined) throw new Error('the charge is not due');
    const later = new Date(AT.getTime() + 60_000);
    await postponeWork(deps.table, work, later);
    expect(await readItem(work.key)).toMatchObject({ due: 'charge', due_at: later.toISOString() });

    await commitNow(customerId, [
      endCharge(customerId, { id, charge: CHARGE }, { ...CHARGE, state: 'closed' }),
    ]);
    const settled = await readItem(work.key);
    await postponeWork(deps.table, work, later);
    expect(await readItem(work.key)).toEqual(settled);
    const gone = keys.fix(customerId, 'f'.repeat(32));
    await postponeWork(deps.table, { ...work, key: gone }, later);
    expect(await readItem(gone)).toBeUndefined();
  });
});

describe('what Stripe names', () => {
  const someId = () => uniqueEmail().slice(0, 12);

  it('CARD_IS_NEW: a card that earned the bonus for one customer earns none for another', async () => {
    const [first, second] = [await customerWith(deps, 5), await customerWith(deps, 5)];
    const fingerprint = someId();
    const spend = ({ head }: typeof first) =>
      commitNow(head.customerId, spendCardBonus(head.customerId, fingerprint));
    expect(await spend(first)).toBe('committed');
    expect(await spend(second)).toBe('lost');
    expect(await readItem(keys.card(fingerprint))).toMatchObject({ customer_id: first.head.customerId });
    // All or nothing: the second customer can still get the bonus of another card.
    const once = keys.once(second.head.customerId, 'card_bonus', 'first');
    expect(await readItem(once)).toBeUndefined();
  });

  it('GUARD_IS_NEW: a customer who had the bonus gets none for another card', async () => {
    const { head } = await customerWith(deps, 5);
    const [first, second] = [someId(), someId()];
    expect(await commitNow(head.customerId, spendCardBonus(head.customerId, first))).toBe('committed');
    expect(await commitNow(head.customerId, spendCardBonus(head.customerId, second))).toBe('lost');
    expect(await readItem(keys.card(second))).toBeUndefined();
  });

  it('STRIPE_ID_IS_FREE: a Stripe customer cannot be taken over; its own customer may bind it again', async () => {
    const [first, second] = [await customerWith(deps, 5), await customerWith(deps, 5)];
    const id = `cus_${someId()}`;
    const bind = ({ head }: typeof first) => commitNow(head.customerId, [bindStripeId(id, head.customerId)]);
    expect(await bind(first)).toBe('committed');
    expect(await bind(second)).toBe('lost');
    expect(await bind(first)).toBe('committed');
    expect(await readItem(keys.stripe(id))).toMatchObject({ customer_id: first.head.customerId });
  });

  it('RENEWAL_UNMOVED: of concurrent callers one announces a renewal, and one stores its outcome', async () => {
    const { head } = await customerWith(deps, 5);
    const { customerId } = head;
    const renewal = (attempt: number, state: Renewal['state'], invoiceId = 'in_1'): Renewal => ({
      attempt,
      state,
      invoiceId,
      subscriptionId: 'sub_1',
      amountCents: 59_900,
      stripeCustomerId: 'cus_1',
      paymentMethodId: 'pm_1',
      cardKey: null,
      startedAt: AT.toISOString(),
    });
    const keep = (next: Renewal, before: Renewal | null) =>
      commitNow(customerId, [keepRenewal(customerId, next, before)]);
    expect(await keep(renewal(1, 'paying'), null)).toBe('committed');
    expect(await keep(renewal(1, 'paying', 'in_2'), null)).toBe('lost');
    expect(await keep(renewal(1, 'paid'), renewal(1, 'paying'))).toBe('committed');
    // A caller with a stale read of it as in flight cannot close it.
    expect(await keep(renewal(1, 'closed'), renewal(1, 'paying'))).toBe('lost');
    expect(await keep(renewal(2, 'paying'), renewal(1, 'paid'))).toBe('committed');
    expect(await keep(renewal(2, 'paying', 'in_2'), renewal(1, 'paid'))).toBe('lost');
    expect(await readItem(keys.renewal(customerId))).toMatchObject({ attempt: 2, invoice_id: 'in_1' });
  });

  it('ORDER_UNMOVED: of two callers that order Pro, or order again, one does', async () => {
    const { head } = await customerWith(deps, 5);
    const { customerId } = head;
    const order = (attempt: number, state: ProOrder['state'], startedAt = AT.toISOString()): ProOrder => ({
      attempt,
      state,
      stripeCustomerId: 'cus_1',
      paymentMethodId: 'pm_1',
      cardKey: null,
      priceId: 'price_1',
      returnUrl: null,
      startedAt,
    });
    const keep = (next: ProOrder, before: ProOrder | null) =>
      commitNow(customerId, [keepOrder(customerId, next, before)]);
    const later = '2026-01-03T00:00:00.000Z';
    expect(await keep(order(1, 'ordering'), null)).toBe('committed');
    expect(await keep(order(1, 'ordering', later), null)).toBe('lost');
    expect(await keep(order(1, 'refused'), order(1, 'ordering'))).toBe('committed');
    // A caller with a stale read of it as in flight cannot mark it as done.
    expect(await keep(order(1, 'done'), order(1, 'ordering'))).toBe('lost');
    expect(await keep(order(2, 'ordering'), order(1, 'refused'))).toBe('committed');
    expect(await keep(order(2, 'ordering', later), order(1, 'refused'))).toBe('lost');
    expect(await readItem(keys.order(customerId))).toMatchObject({
      attempt: 2,
      state: 'ordering',
      started_at: AT.toISOString(),
    });
  });

  it('INVOICE_UNMOVED: of two events about one refund, one takes the credits back', async () => {
    const { head } = await customerWith(deps, 5);
    const { customerId } = head;
    const granted = guardOf({ invoiceId: `in_${someId()}` });
    const reversed = { ...granted, reversedCents: 29_950, reversedCredits: 30 };
    expect(await commitNow(customerId, [keepInvoice(customerId, granted, null)])).toBe('committed');
    expect(await commitNow(customerId, [keepInvoice(customerId, reversed, granted)])).toBe('committed');
    const other = { ...granted, reversedCents: 59_900, reversedCredits: 60 };
    expect(await commitNow(customerId, [keepInvoice(customerId, other, granted)])).toBe('lost');
    const key = keys.once(customerId, 'invoice', granted.invoiceId);
    expect(await readItem(key)).toMatchObject({ reversed_credits: 30 });
  });

  it('EVENT_IS_OPEN: an applied event is not applied again; a parked one still can be', async () => {
    const { head } = await customerWith(deps, 5);
    const { customerId } = head;
    const event = (outcome: EventRecord['outcome']): EventRecord => ({
      eventId: `evt_${customerId}`,
      type: 'invoice.paid',
      outcome,
      reason: 'test',
      customerId,
      objectId: 'in_1',
      amount: 59_900,
      currency: 'usd',
      createdAt: AT.toISOString(),
      receivedAt: AT.toISOString(),
    });
    /** The effect of the event is a credit without its own guard. */
    const applied = async (outcome: EventRecord['outcome']) => {
      const fresh = await readHead(customerId);
      const next = post(fresh, [plus(1)], AT);
      const { kind } = await commit(deps.table, fresh, moved(fresh, next), [recordEvent(event(outcome))]);
      return kind;
    };
    expect(await commitNow(customerId, [recordEvent(event('parked'))])).toBe('committed');
    expect(await applied('processed')).toBe('committed');
    expect(await applied('processed')).toBe('lost');
    expect(await commitNow(customerId, [recordEvent(event('parked'))])).toBe('lost');
    expect((await readHead(customerId)).balance).toBe(6);
    expect(await readItem(keys.event(`evt_${customerId}`))).toMatchObject({ outcome: 'processed' });
  });
});

describe('a customer', () => {
  it('EMAIL_IS_FREE: an address belongs to one customer, in upper or lower case', async () => {
    const email = uniqueEmail();
    const first = await onboardCustomer(deps, { name: 'A', email, source: 'direct' });
    await expect(
      onboardCustomer(deps, { name: 'B', email: email.toUpperCase(), source: 'direct' }),
    ).rejects.toMatchObject({ code: 'email_taken' });
    expect(await readItem(keys.email(email))).toMatchObject({ customer_id: first.head.customerId });
  });

  it('CUSTOMER_IS_NEW: a customer id drawn twice does not take over the ledger of the first', async () => {
    const { head } = await customerWith(deps, 7);
    const second = { ...head, ...emptyLedger(head.customerId), email: uniqueEmail(), name: 'Impostor' };
    const key = {
      keyId: KEY_ID,
      name: null,
      scope: 'account',
      isTest: false,
      createdAt: head.createdAt,
    } as const;
    const welcome = putNotice(keyIssued(head.customerId, KEY_ID, 'sign_up', AT));
    const alongside = [putFirstKey(head.customerId, key), welcome];
    expect((await createCustomer(deps.table, second, [], alongside)).kind).toBe('refused');
    expect(await readHead(head.customerId)).toMatchObject({ name: 'Acme', balance: 7 });
  });
});

describe('rate limits', () => {
  const limit = { limit: 3, windowSeconds: 60 };
  const hit = (scope: string, seconds: number) =>
    hitRateLimit(deps.table, scope, limit, new Date(AT.getTime() + seconds * 1000));

  it('RATE_HAS_ROOM: the window never holds more hits than the limit, at any time', async () => {
    const kinds = [];
    for (const seconds of [0, 50, 55, 59]) kinds.push((await hit('edge', seconds)).kind);
    expect(kinds).toEqual(['allowed', 'allowed', 'allowed', 'limited']);
    expect(await hit('edge', 59)).toEqual({ kind: 'limited', retryAfterSeconds: 1 });
    expect((await hit('edge', 60)).kind).toBe('allowed');
    expect((await hit('edge', 61)).kind).toBe('limited');
  });

  it('RATE_HAS_ROOM: of many concurrent calls, exactly the limit is accepted', async () => {
    const results = await Promise.all(Array.from({ length: 12 }, () => hit('crowd', 0)));
    expect(results.filter(({ kind }) => kind === 'allowed')).toHaveLength(3);
  });

  it('RATE_UNMOVED: of many concurrent calls on a full window, only as many as expired hits are accepted', async () => {
    for (const seconds of [0, 50, 55]) await hit('full', seconds);
    const results = await Promise.all(Array.from({ length: 12 }, () => hit('full', 70)));
    expect(results.filter(({ kind }) => kind === 'allowed')).toHaveLength(1);
  });

  it('a lowered limit counts only the newest hits, so it locks no caller out for longer than its window', async () => {
    for (const seconds of [0, 10, 20]) await hit('lowered', seconds);
    const under = (count: number, seconds: number) =>
      hitRateLimit(
        deps.table,
        'lowered',
        { ...limit, limit: count },
        new Date(AT.getTime() + seconds * 1000),
      );
    expect(await under(1, 30)).toEqual({ kind: 'limited', retryAfterSeconds: 50 });
    expect(await under(2, 69)).toEqual({ kind: 'limited', retryAfterSeconds: 1 });
    expect(await under(2, 70)).toEqual({ kind: 'allowed' });
    expect(await under(1, 131)).toEqual({ kind: 'allowed' });
  });

  it('different scopes do not share a window', async () => {
    for (const scope of ['a', 'b', 'c', 'd']) expect((await hit(scope, 0)).kind).toBe('allowed');
  });
});

describe('adjustments', () => {
  const adjustment = { amount: 3, reason: 'goodwill', actor: 'ops', idempotencyKey: 'k1' };

  it('the same adjustment key returns the same result and adjusts once; with other input it is a conflict', async () => {
    const { head } = await customerWith(deps, 5);
    const answers = await Promise.all([1, 2, 3].map(() => adjustCredits(deps, head.customerId, adjustment)));
    expect(answers.map(({ balance }) => balance)).toEqual([8, 8, 8]);
    expect(answers.filter(({ already }) => !already)).toHaveLength(1);
    await expect(adjustCredits(deps, head.customerId, { ...adjustment, amount: 4 })).rejects.toMatchObject({
      code: 'key_reused',
    });
  });

  it('an adjustment never removes more than the balance', async () => {
    const { head } = await customerWith(deps, 5);
    const tooMuch = { ...adjustment, amount: -6, idempotencyKey: 'k2' };
    await expect(adjustCredits(deps, head.customerId, tooMuch)).rejects.toMatchObject({
      code: 'insufficient_credits',
    });
  });
});
