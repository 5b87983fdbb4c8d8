import { describe, expect, it } from 'vitest';
import { approvalEnds } from '../../../lib/operations/plans/order-on-session.ts';
import { OPEN_WORK_INDEX, WORK_KINDS } from '../../../lib/operations/work/kinds.ts';
import { asOpenWork } from '../../../lib/operations/work/list-open-work.ts';
import { isOpenKind } from '../../../lib/operations/work/work-kind.ts';
import { encodeNewFix } from '../../../lib/store/fix-attempts.ts';
import { type Key, keys, parseDueKey } from '../../../lib/store/keys.ts';
import { UnreadableItem } from '../../../lib/store/record.ts';
import type { Item } from '../../../lib/store/table.ts';
import { newFix } from '../../support/fixtures.ts';

/* The facts that operators see about stored items of each kind of work. */

const AT = '2026-01-02T03:04:05.678Z';
const HOUR_MS = 60 * 60 * 1000;

const charge = {
  attempt: 2,
  state: 'charging',
  amount_cents: 2_900,
  rate: 'pay_as_you_go',
  stripe_customer_id: 'cus_1',
  payment_method_id: 'pm_1',
  card_key: 'fp_1',
  started_at: AT,
  payment_intent_id: null,
};
const { id: fixId, ...recorded } = encodeNewFix('c1', { id: 'f1', ...newFix(7), createdAt: AT });
const order = {
  attempt: 3,
  state: 'ordering',
  stripe_customer_id: 'cus_1',
  price_id: 'price_pro',
  started_at: AT,
};
const renewal = {
  attempt: 4,
  state: 'paying',
  invoice_id: 'in_1',
  subscription_id: 'sub_1',
  amount_cents: 59_900,
  stripe_customer_id: 'cus_1',
  payment_method_id: 'pm_1',
  started_at: AT,
};
const cardSession = {
  attempt: 6,
  state: 'completing',
  session_id: 'cs_1',
  stripe_customer_id: 'cus_1',
  card_before: null,
  started_at: AT,
  completed_at: AT,
  source_ip: '203.0.113.9',
  user_agent: null,
  page: '/billing/card',
  link_id: null,
};
const openSession = { ...cardSession, state: 'open', completed_at: null };
const doublePayment = {
  fix_attempt_id: 'f1',
  payment_intent_id: 'pi_2',
  amount_cents: 2_900,
  attempt: 5,
  state: 'returning',
  started_at: AT,
};
const event = {
  event_id: 'evt_1',
  type: 'invoice.paid',
  outcome: 'parked',
  reason: 'of a customer that is not known',
  customer_id: null,
  object_id: 'in_1',
  created_at: AT,
  received_at: AT,
};

const open = (key: Key, attributes: Item) =>
  asOpenWork({ key, item: parseDueKey(key), stored: { ...key, ...attributes } });

const NOTHING = { id: null, attempt: null, amountCents: null, paymentIntentId: null, startedAt: null };

describe('open work', () => {
  it.each([
    [
      'a charge without an outcome',
      keys.fix('c1', 'f1'),
      { ...recorded, id: fixId, charge },
      HOUR_MS,
      { kind: 'fix', id: 'f1', state: 'charging', attempt: 2, amountCents: 2_900, startedAt: AT },
      'the charge of fix f1, attempt 2, has no outcome',
    ],
    [
      'an order without an outcome',
      keys.order('c1'),
      order,
      HOUR_MS,
      { kind: 'order', state: 'ordering', attempt: 3, startedAt: AT },
      'the order for Pro, attempt 3, has no outcome',
    ],
    [
      'an order that waits for its approval',
      keys.order('c1'),
      { ...order, state: 'awaiting_approval' },
      HOUR_MS,
      { kind: 'order', state: 'awaiting_approval', attempt: 3, startedAt: AT },
      "the order for Pro, attempt 3, waits for the cardholder's approval",
    ],
    [
      'a renewal without an outcome',
      keys.renewal('c1'),
      renewal,
      HOUR_MS,
      { kind: 'renewal', id: 'in_1', state: 'paying', attempt: 4, amountCents: 59_900, startedAt: AT },
      'the payment of renewal in_1, attempt 4, has no outcome',
    ],
    [
      'a Checkout session whose card is not on file yet',
      keys.cardSession('c1'),
      cardSession,
      HOUR_MS,
      { kind: 'card_session', id: 'cs_1', state: 'to be put on file', attempt: 6, startedAt: AT },
      'the card of Checkout session cs_1 is not on file yet',
    ],
    [
      'a double payment',
      keys.once('c1', 'double_payment', 'pi_2'),
      doublePayment,
      0,
      {
        kind: 'double_payment',
        id: 'pi_2',
        state: 'to be returned',
        attempt: 5,
        amountCents: 2_900,
        paymentIntentId: 'pi_2',
        startedAt: AT,
      },
      'payment pi_2, the second for fix f1, is not returned yet',
    ],
    [
      'a double payment that a person has to return',
      keys.once('c1', 'double_payment', 'pi_2'),
      { ...doublePayment, state: 'for_person' },
      0,
      {
        kind: 'double_payment',
        id: 'pi_2',
        state: 'to be returned by hand',
        attempt: 5,
        amountCents: 2_900,
        paymentIntentId: 'pi_2',
        startedAt: AT,
      },
      'payment pi_2, the second for fix f1, is not returned yet',
    ],
    [
      'a closing',
      keys.closing('c1'),
      { email: 'a@x.io', closed_at: AT, due: 'charge' },
      HOUR_MS,
      { kind: 'closing', state: 'to be cleared', startedAt: AT },
      'the account is closed, but its data is not fully removed yet',
    ],
    [
      'a parked event',
      keys.event('evt_1'),
      event,
      0,
      { kind: 'event', customerId: null, id: 'evt_1', state: 'parked', startedAt: AT },
      'event evt_1 (invoice.paid) is parked: of a customer that is not known',
    ],
  ] as const)('open work is %s', (_, key, attributes, reportAfterMs, facts, message) => {
    expect(open(key, attributes)).toMatchObject({
      reportAfterMs,
      facts: { customerId: 'c1', ...NOTHING, ...facts, message },
    });
  });

  it('the age of an order counts from its start, or from when its approval has to be given', () => {
    expect(open(keys.order('c1'), order)?.since).toBe(AT);
    const waiting = open(keys.order('c1'), { ...order, state: 'awaiting_approval' });
    expect(waiting?.since).toBe(approvalEnds(AT).toISOString());
    expect(Date.parse(waiting?.since ?? '')).toBeGreaterThan(Date.parse(AT) + HOUR_MS);
  });

  it.each([
    ['a fix that was never charged', keys.fix('c1', 'f1'), { ...recorded, id: fixId }],
    [
      'a fix whose charge ended',
      keys.fix('c1', 'f1'),
      { ...recorded, id: fixId, charge: { ...charge, state: 'closed' } },
    ],
    ['an order that is done', keys.order('c1'), { ...order, state: 'done' }],
    ['a renewal that is paid', keys.renewal('c1'), { ...renewal, state: 'paid' }],
    ['a Checkout session in which no card is entered yet', keys.cardSession('c1'), openSession],
    [
      'a Checkout session whose card is on file',
      keys.cardSession('c1'),
      { ...openSession, state: 'finished' },
    ],
    [
      'a double payment that was returned',
      keys.once('c1', 'double_payment', 'pi_2'),
      { ...doublePayment, state: 'returned' },
    ],
    ['a closing that is done', keys.closing('c1'), { closed_at: AT }],
    ['an event that was processed', keys.event('evt_1'), { ...event, outcome: 'processed' }],
    ['the head of a ledger', keys.head('c1'), {}],
    ['a notice', keys.notice('c1', 'fix_blocked', 'n1'), {}],
  ] as const)('open work is not %s', (_, key, attributes) => {
    expect(open(key, attributes)).toBeNull();
  });

  it('open work of a kind of a newer release is an error that names the key', () => {
    const key = { pk: 'CUSTOMER#c1', sk: 'NEW#1' };
    expect(() => open(key, {})).toThrow(UnreadableItem);
    expect(() => open(key, {})).toThrow(/sk/);
    const item = { kind: 'unknown', customerId: 'c1', id: null } as const;
    expect(() => WORK_KINDS.order.open({ ...key, ...order }, item)).toThrow(/sk/);
  });

  it('the kinds of open work are the rows of the table', () => {
    const kinds = [
      ...(['fix', 'order', 'renewal', 'card_session', 'double_payment', 'closing', 'event'] as const),
    ];
    expect(Object.keys(WORK_KINDS).toSorted()).toEqual(kinds.toSorted());
    expect(kinds.filter(isOpenKind)).toEqual(kinds);
    expect((['head', 'notice', 'unknown'] as const).filter(isOpenKind)).toEqual([]);
  });

  it('open work is in the index of charges or, for events, in that of parked events', () => {
    expect(OPEN_WORK_INDEX).toEqual(['charge', 'parked']);
    expect(WORK_KINDS.event.due).toBe('parked');
    const { event: _, ...others } = WORK_KINDS;
    expect(Object.values(others).map(({ due }) => due)).toEqual(Array(6).fill('charge'));
  });
});
