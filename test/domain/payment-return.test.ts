import { describe, expect, it } from 'vitest';
import {
  decideReturn,
  type PaymentRefund,
  type PaymentReturn,
  type ReturnFacts,
  type ReturnStep,
} from '../../lib/domain/payments/payment-return.ts';

/** A payment of $29.00 whose first full refund is announced. */
const STORED: PaymentReturn = { amountCents: 2_900, attempt: 1, refundCents: 2_900 };
const NOTHING: ReturnFacts = { refunds: [], disputedCents: 0, refusedBy: null };

const refund = (
  state: PaymentRefund['state'],
  attempt: number | null = 1,
  amountCents = 2_900,
): PaymentRefund => ({ id: `re_${attempt}`, state, attempt, amountCents });

const next = (facts: Partial<ReturnFacts>, stored: Partial<PaymentReturn> = {}): ReturnStep =>
  decideReturn({ ...STORED, ...stored }, { ...NOTHING, ...facts });

describe('the return of a payment', () => {
  it('the announced refund is sent while Stripe has none', () => {
    expect(next({})).toEqual({ kind: 'send' });
  });

  it.each([
    ['refunded', { refunds: [refund('succeeded')] }],
    ['refunded by hand', { refunds: [refund('succeeded', null)] }],
    ['refunded in two parts', { refunds: [refund('succeeded', null, 100), refund('succeeded', 1, 2_800)] }],
    ['withdrawn by disputes', { disputedCents: 2_900 }],
    ['refunded and disputed', { refunds: [refund('succeeded', 1, 1_000)], disputedCents: 1_900 }],
    ['returned more than once', { refunds: [refund('succeeded')], disputedCents: 2_900 }],
    ['withdrawn by a dispute that is still open', { disputedCents: 2_900, refusedBy: 'open_dispute' }],
    ['refunded after a failure', { refunds: [refund('failed', 1), refund('succeeded', 2)] }],
  ] as const)('a return is done once the whole payment is %s', (_, facts) => {
    expect(next(facts)).toEqual({ kind: 'returned' });
  });

  it.each([
    ['the refund', { refunds: [refund('pending')] }],
    ['one of two refunds', { refunds: [refund('succeeded', 1, 100), refund('pending', 2, 2_800)] }],
    ['a refund made by hand', { refunds: [refund('pending', null)] }],
  ] as const)(
    'a return waits while nothing is left to return and Stripe has not decided about %s',
    (_, facts) => {
      expect(next(facts)).toEqual({ kind: 'wait' });
    },
  );

  it('a return waits for an open dispute of a part, because Stripe refunds nothing beside it', () => {
    expect(next({ disputedCents: 900, refusedBy: 'open_dispute' })).toEqual({ kind: 'wait' });
  });

  it('a refund of only the rest is announced, under a new key', () => {
    expect(next({ disputedCents: 900 })).toEqual({ kind: 'announce', attempt: 2, refundCents: 2_000 });
    expect(next({ refunds: [refund('succeeded', null, 100)] })).toEqual({
      kind: 'announce',
      attempt: 2,
      refundCents: 2_800,
    });
    expect(next({ refunds: [refund('succeeded', null, 2_899)] })).toMatchObject({ refundCents: 1 });
  });

  it('an announced refund of a part is sent while that part is what is left', () => {
    const facts = { refunds: [refund('succeeded', null, 100)] };
    expect(next(facts, { attempt: 2, refundCents: 2_800 })).toEqual({ kind: 'send' });
  });

  it('a refund is announced again for an attempt of an earlier release, whose amount is not stored', () => {
    expect(next({}, { refundCents: null })).toEqual({ kind: 'announce', attempt: 2, refundCents: 2_900 });
  });

  it('a second refund is announced after the first one failed', () => {
    const failedOnce = { refunds: [refund('failed')] };
    expect(next(failedOnce)).toEqual({ kind: 'announce', attempt: 2, refundCents: 2_900 });
    expect(next(failedOnce, { attempt: 2 })).toEqual({ kind: 'send' });
  });

  it('a new refund is announced for what an earlier one no longer covers, as after a lost dispute', () => {
    const facts = { refunds: [refund('succeeded', 1, 2_000)] };
    const stored = { attempt: 1, refundCents: 900 };
    expect(next(facts, stored)).toEqual({ kind: 'announce', attempt: 2, refundCents: 900 });
  });

  it('a return needs a person after two of our refunds failed', () => {
    const facts = { refunds: [refund('failed', 1), refund('failed', 2), refund('succeeded', null, 400)] };
    expect(next(facts, { attempt: 2 })).toEqual({ kind: 'for_person', restCents: 2_500 });
  });

  it('refunds made by hand do not count among our failed refunds', () => {
    const facts = { refunds: [refund('failed', null), refund('failed', null)] };
    expect(next(facts)).toEqual({ kind: 'send' });
  });

  it('only failed refunds count as failed', () => {
    const facts = { refunds: [refund('failed', 1), refund('succeeded', 2, 900)] };
    expect(next(facts, { attempt: 2 })).toEqual({ kind: 'announce', attempt: 3, refundCents: 2_000 });
  });

  it('a return needs a person if a closed dispute keeps Stripe from refunding', () => {
    expect(next({ refusedBy: 'closed_dispute' })).toEqual({ kind: 'for_person', restCents: 2_900 });
  });
});
