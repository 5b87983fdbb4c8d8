import { beforeAll, describe, expect, it } from 'vitest';
import { billingConsent } from '../../lib/domain/evidence/billing-consent.ts';
import { NO_TRIES } from '../../lib/domain/payments/card-tries.ts';
import { noteCleared, openClosing, openClosingOf } from '../../lib/store/closing.ts';
import { keepConsent, readConsents } from '../../lib/store/evidence/consents.ts';
import { decodeHead, encodeHead, encodeHeadPart, encodeProfile, readHead } from '../../lib/store/heads.ts';
import { keys } from '../../lib/store/keys.ts';
import { keepOrder, type ProOrder, readOrder } from '../../lib/store/orders.ts';
import {
  type CardSession,
  decodeCardSession,
  keepCardSession,
} from '../../lib/store/payments/card-sessions.ts';
import { keepCardTries, readCardTries } from '../../lib/store/payments/card-tries.ts';
import {
  announceReturn,
  decodeDoublePayment,
  encodeDoublePayment,
  moveReturn,
  readDoublePayment,
} from '../../lib/store/payments/double-payments.ts';
import { UnreadableItem } from '../../lib/store/record.ts';
import { decodeRenewal, keepRenewal, type Renewal } from '../../lib/store/renewals.ts';
import { type Item, readTogether, type Table, type Write, writeTogether } from '../../lib/store/table.ts';
import { headWith, proUntil } from '../support/heads.ts';
import { openTestTable } from '../support/table.ts';

/* What is read from an item, including items of earlier releases, and when the item is due. */

let table: Table;
beforeAll(async () => {
  table = await openTestTable();
});

const AT = new Date('2026-01-02T03:04:05.678Z');
const DUE = { due: 'charge', due_at: AT.toISOString() };
const store = async (...writes: Write[]): Promise<void> => {
  expect((await writeTogether(table, writes)).kind).toBe('written');
};
const read = async (key: Parameters<typeof readTogether>[1][number]): Promise<Item | undefined> =>
  (await readTogether(table, [key]))[0];

const HEAD = headWith({
  customerId: 'h1',
  subscriptionType: 'pro',
  subscription: proUntil('2026-02-01T00:00:00.000Z'),
});

describe('the head of a ledger', () => {
  it('a head is read as it was stored', async () => {
    const item = encodeHead(HEAD);
    expect(item).toMatchObject({
      ...keys.head('h1'),
      subscription_type: 'pro',
      subscription: { covered_until: '2026-02-01T00:00:00.000Z', cancel_at_period_end: false },
    });
    await store({ Put: { Item: item } });
    expect(await readHead(table, 'h1')).toEqual(HEAD);
    expect(await readHead(table, 'nobody')).toBeNull();
  });

  it('a head of an earlier release has defaults for missing fields', () => {
    const item = { ...encodeHead(HEAD), subscription: null };
    const later = [
      'email_state',
      'new_email',
      'closing_asked_at',
      'stripe_customer_id',
      'former_stripe_customer_id',
      'open_disputes',
      'free_until',
      'muted_notices',
      'closed_at',
      'revision',
      'raised_seq',
      'balance_level',
      'account_keys',
      'billed_by_day',
    ];
    const earlier = Object.fromEntries(Object.entries(item).filter(([name]) => !later.includes(name)));
    expect(decodeHead(earlier)).toEqual({ ...HEAD, emailState: 'assumed', subscription: null });
  });

  it('a head of an earlier release counts the current period of its subscription as paid', () => {
    const ofEarlier = (facts: object) => ({
      ...encodeHead(HEAD),
      subscription: {
        id: 'sub_1',
        state: 'active',
        cancel_at_period_end: false,
        current_period_end: '2026-03-01T00:00:00.000Z',
        ...facts,
      },
    });
    expect(decodeHead(ofEarlier({})).subscription).toEqual({
      id: 'sub_1',
      plan: 'pro',
      state: 'active',
      cancelAtPeriodEnd: false,
      currentPeriodEnd: '2026-03-01T00:00:00.000Z',
      coveredUntil: '2026-03-01T00:00:00.000Z',
      collects: true,
    });
    expect(decodeHead(ofEarlier({ covered_until: null })).subscription).toMatchObject({ coveredUntil: null });
  });

  it.each([
    ['balance', 1.5],
    ['seq', -1],
    ['debt', -1],
    ['revision', -1],
    ['subscription_type', 'other'],
    ['balance_level', 'other'],
    ['muted_notices', ['payment_failed']],
    ['subscription', 'sub_1'],
  ])('a head with an impossible %s is rejected', (name, value) => {
    expect(() => decodeHead({ ...encodeHead(HEAD), [name]: value })).toThrow(UnreadableItem);
  });

  it('a part of a head and a profile are stored under the same names', () => {
    expect(encodeHeadPart({ raisedSeq: 7, balanceLevel: 'low' })).toEqual({
      raised_seq: 7,
      balance_level: 'low',
    });
    const profile = encodeProfile(HEAD);
    expect(profile).toMatchObject({ email: 'a@x.io', payment_method_id: null, open_disputes: [], debt: 0 });
    expect(profile).not.toHaveProperty('balance');
    expect(profile).not.toHaveProperty('pk');
  });
});

describe('consents', () => {
  const origin = (page: string) => ({
    sourceIp: '1.2.3.4',
    userAgent: null,
    by: { kind: 'page', page } as const,
  });

  it('consents are stored one by one and read oldest first, and an unreadable one hides no other', async () => {
    const later = billingConsent('pm_1', origin('later'), new Date(AT.getTime() + 1));
    const first = billingConsent('pm_1', origin('first'), AT);
    await store(keepConsent('k1', later), keepConsent('k1', first));
    await store({ Put: { Item: { ...keys.consent('k1', '2026-12-31', 'pm_2'), version: 7 } } });
    expect(await readConsents(table, 'k1')).toEqual([first, later, expect.any(UnreadableItem)]);
    expect(await readConsents(table, 'k2')).toEqual([]);
  });

  it('a consent given with a key names the key', async () => {
    const by = { kind: 'api_key', keyId: 'key_1' } as const;
    const consent = billingConsent('pm_1', { sourceIp: '::1', userAgent: 'curl', by }, AT);
    await store(keepConsent('k3', consent));
    expect(await readConsents(table, 'k3')).toEqual([consent]);
  });
});

describe('the record of cards', () => {
  it('the record of cards begins with version 0 and increases with each write', async () => {
    const none = await readCardTries(table, 't1');
    expect(none).toEqual({ version: 0, cards: {} });
    const cards = { fp_1: { ...NO_TRIES, underWay: [{ id: 'f1:1', startedAt: AT.toISOString() }] } };
    await store(keepCardTries('t1', none, cards));
    expect(await readCardTries(table, 't1')).toEqual({ version: 1, cards });
  });
});

describe('a renewal', () => {
  const RENEWAL: Renewal = {
    attempt: 1,
    state: 'paying',
    invoiceId: 'in_1',
    subscriptionId: 'sub_1',
    amountCents: 59_900,
    stripeCustomerId: 'cus_1',
    paymentMethodId: 'pm_1',
    cardKey: 'fp_1',
    startedAt: AT.toISOString(),
  };

  it('a renewal is due only while it is being paid', async () => {
    await store(keepRenewal('r1', RENEWAL, null));
    const item = await read(keys.renewal('r1'));
    expect(item).toMatchObject(DUE);
    expect(decodeRenewal(item ?? {})).toEqual(RENEWAL);
    await store(keepRenewal('r1', { ...RENEWAL, state: 'paid' }, RENEWAL));
    const paid = await read(keys.renewal('r1'));
    expect(paid).not.toHaveProperty('due');
    expect(paid).not.toHaveProperty('due_at');
  });

  it.each(['paying', 'paid', 'declined', 'needs_approval', 'closed'] as const)(
    'a renewal has the state %s',
    async (state) => {
      await store(keepRenewal(`r_${state}`, { ...RENEWAL, state }, null));
      expect(decodeRenewal((await read(keys.renewal(`r_${state}`))) ?? {}).state).toBe(state);
    },
  );

  it('a renewal does not replace another one', async () => {
    await store(keepRenewal('r2', RENEWAL, null));
    const other = { ...RENEWAL, attempt: 2 };
    expect((await writeTogether(table, [keepRenewal('r2', other, null)])).kind).toBe('refused');
    expect((await writeTogether(table, [keepRenewal('r2', other, { ...RENEWAL, state: 'paid' })])).kind).toBe(
      'refused',
    );
  });
});

describe('an order', () => {
  const ORDER: ProOrder = {
    attempt: 1,
    state: 'ordering',
    stripeCustomerId: 'cus_1',
    paymentMethodId: 'pm_1',
    cardKey: 'fp_1',
    priceId: 'price_pro',
    returnUrl: null,
    startedAt: AT.toISOString(),
  };

  it('an order is due only while it has no outcome', async () => {
    await store(keepOrder('o1', ORDER, null));
    expect(await read(keys.order('o1'))).toMatchObject(DUE);
    expect(await readOrder(table, 'o1')).toEqual(ORDER);
    const awaiting = { ...ORDER, state: 'awaiting_approval', returnUrl: 'https://x.test/' } as const;
    await store(keepOrder('o3', awaiting, null));
    expect(await read(keys.order('o3'))).toMatchObject(DUE);
    expect(await readOrder(table, 'o3')).toEqual(awaiting);
    for (const state of ['done', 'refused'] as const) {
      await store(keepOrder(`o_${state}`, { ...ORDER, state }, null));
      expect(await read(keys.order(`o_${state}`))).not.toHaveProperty('due');
    }
    expect(await readOrder(table, 'o2')).toBeNull();
  });
});

describe('a card session', () => {
  const OPEN: CardSession = {
    attempt: 1,
    state: 'open',
    sessionId: 'cs_1',
    stripeCustomerId: 'cus_1',
    cardBefore: null,
    startedAt: AT.toISOString(),
    completedAt: null,
    sourceIp: '203.0.113.9',
    userAgent: null,
    page: '/billing/card',
    linkId: null,
    outcome: null,
  };
  const stored = async (customerId: string) => (await read(keys.cardSession(customerId))) ?? {};

  it('a card session is due from when its card was confirmed until it is finished', async () => {
    const completing = { ...OPEN, state: 'completing', completedAt: AT.toISOString() } as const;
    const outcome = { kind: 'on_file', bonusCredits: 5, renewal: 'none' } as const;
    const finished = { ...completing, state: 'finished', outcome } as const;
    await store(keepCardSession('s1', OPEN, null));
    expect(await stored('s1')).not.toHaveProperty('due');
    await store(keepCardSession('s1', completing, OPEN));
    expect(await stored('s1')).toMatchObject(DUE);
    await store(keepCardSession('s1', finished, completing));
    expect(await stored('s1')).not.toHaveProperty('due');
    expect(decodeCardSession(await stored('s1'))).toEqual(finished);
  });

  it('a finished card session keeps each kind of outcome, and that of the renewal that it paid', async () => {
    const outcomes = [
      { kind: 'on_file', bonusCredits: 5, renewal: 'paid' },
      { kind: 'superseded', bonusCredits: 0, renewal: 'declined' },
      { kind: 'closed', bonusCredits: 0, renewal: 'none' },
      { kind: 'refused', bonusCredits: 0, renewal: 'needs_approval' },
    ] as const;
    for (const outcome of outcomes) {
      const session = { ...OPEN, state: 'finished', outcome } as const;
      const name = `s_${outcome.kind}`;
      await store(keepCardSession(name, session, null));
      expect(decodeCardSession(await stored(name))).toEqual(session);
    }
  });
});

describe('a closing', () => {
  it('a closing notes how far the fixes are cleared, and is due again later', async () => {
    await store(openClosing('l1', 'a@x.io', AT));
    const later = new Date(AT.getTime() + 1000);
    await noteCleared(table, 'l1', 'FIX#7', later);
    const item = await read(keys.closing('l1'));
    expect(item).toMatchObject({ due: 'charge', due_at: later.toISOString() });
    expect(openClosingOf(item)).toEqual({
      email: 'a@x.io',
      closedAt: AT.toISOString(),
      clearedTo: 'FIX#7',
    });
    await noteCleared(table, 'l2', 'FIX#7', later);
    expect(await read(keys.closing('l2'))).toBeUndefined();
  });
});

describe('a double payment', () => {
  const PAYMENT = { fixAttemptId: 'f1', paymentIntentId: 'pi_1', amountCents: 2_900, spendingMonth: null };

  it('a double payment is announced with a full refund, and due until it is returned', async () => {
    await store(announceReturn('d1', PAYMENT, AT));
    const announced = await readDoublePayment(table, 'd1', 'pi_1');
    expect(announced).toEqual({
      ...PAYMENT,
      refundId: null,
      attempt: 1,
      refundCents: 2_900,
      startedAt: AT.toISOString(),
      state: 'returning',
    });
    if (announced === null) throw new Error('not announced');
    const key = keys.once('d1', 'double_payment', 'pi_1');
    expect(await read(key)).toMatchObject(DUE);

    const later = new Date(AT.getTime() + 1000);
    await store(moveReturn('d1', announced, { attempt: 2, refundCents: 900 }, later));
    const moved = { ...announced, attempt: 2, refundCents: 900 };
    expect(await readDoublePayment(table, 'd1', 'pi_1')).toEqual(moved);
    expect(await read(key)).toMatchObject({ due: 'charge', due_at: later.toISOString() });

    await store(moveReturn('d1', moved, { state: 'returned', refundId: 're_1' }, later));
    const returned = { ...moved, state: 'returned', refundId: 're_1' } as const;
    expect(await readDoublePayment(table, 'd1', 'pi_1')).toEqual(returned);
    expect(await read(key)).not.toHaveProperty('due');

    await store(moveReturn('d1', returned, { state: 'for_person' }, later));
    expect(await read(key)).toMatchObject({ state: 'for_person', due: 'charge' });
    expect(await readDoublePayment(table, 'd1', 'pi_2')).toBeNull();
  });

  it('a double payment is announced once, and changes only from the state that was read', async () => {
    await store(announceReturn('d2', PAYMENT, AT));
    expect((await writeTogether(table, [announceReturn('d2', PAYMENT, AT)])).kind).toBe('refused');
    const read = await readDoublePayment(table, 'd2', 'pi_1');
    if (read === null) throw new Error('not announced');
    for (const other of [{ attempt: 2 }, { state: 'returned' } as const]) {
      const move = moveReturn('d2', { ...read, ...other }, {}, AT);
      expect((await writeTogether(table, [move])).kind).toBe('refused');
    }
  });

  it('a double payment of an earlier release gets its state from its refund', () => {
    const item = { fix_attempt_id: 'f1', payment_intent_id: 'pi_1', amount_cents: 2_900 };
    expect(decodeDoublePayment(item)).toEqual({
      ...PAYMENT,
      refundId: null,
      attempt: 1,
      refundCents: null,
      startedAt: null,
      state: 'returning',
    });
    expect(decodeDoublePayment({ ...item, refund_id: 're_1' }).state).toBe('returned');
    expect(decodeDoublePayment({ ...item, refund_id: 're_1', state: 'returning' }).state).toBe('returning');
    expect(encodeDoublePayment('c1', decodeDoublePayment(item))).toMatchObject({
      ...keys.once('c1', 'double_payment', 'pi_1'),
      ...item,
    });
  });
});
