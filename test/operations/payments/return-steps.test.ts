import { beforeAll, describe, expect, it } from 'vitest';
import type { PaymentRefund, ReturnFacts } from '../../../lib/domain/payments/payment-return.ts';
import {
  ReturnNeedsPerson,
  returnDoublePayment,
  reviewReturn,
  tryReturn,
} from '../../../lib/operations/payments/return-double-payment.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import {
  announceReturn,
  type DoublePayment,
  moveReturn,
  readDoublePayment,
} from '../../../lib/store/payments/double-payments.ts';
import { writeTogether } from '../../../lib/store/table.ts';
import { KEY_IS_SAFE_MS, type StripePort } from '../../../lib/stripe/port.ts';
import { type Money, openMoneyForFile } from '../../support/money.ts';
import { noticeContentsOf } from '../../support/notices.ts';
import { answering, failing } from '../../support/stripe-answers.ts';
import { countingCalls } from '../../support/table.ts';

/* Each step of returning a second payment of $29.00, with fixed answers of Stripe. */

const AT = new Date('2026-01-02T00:00:00.000Z');
const NOTHING: ReturnFacts = { refunds: [], disputedCents: 0, refusedBy: null };
const refund = (facts: Partial<PaymentRefund> = {}): PaymentRefund => ({
  id: 're_1',
  amountCents: 2_900,
  state: 'succeeded',
  attempt: 1,
  ...facts,
});
const RETURNED: ReturnFacts = { ...NOTHING, refunds: [refund()] };

let money: Money;
beforeAll(async () => {
  const opened = await openMoneyForFile();
  money = opened.money;
  return opened.stop;
});

let customers = 0;

/** A second payment whose return is announced, with these changes. */
async function announced(
  change: Partial<DoublePayment> = {},
  ageMs = 0,
  spendingMonth: string | null = null,
) {
  customers += 1;
  const customerId = `r${customers}`;
  const { table } = money.deps;
  const payment = { fixAttemptId: 'f1', paymentIntentId: 'pi_2', amountCents: 2_900, spendingMonth };
  await writeTogether(table, [announceReturn(customerId, payment, AT)]);
  const first = await stored(customerId);
  if (Object.keys(change).length > 0) await writeTogether(table, [moveReturn(customerId, first, change, AT)]);
  const reports: { readonly kind: string }[] = [];
  const deps: PaymentDeps = {
    ...money.deps,
    now: () => new Date(AT.getTime() + ageMs),
    report: (happened) => reports.push(happened),
  };
  return { customerId, deps, reports };
}

async function stored(customerId: string): Promise<DoublePayment> {
  const double = await readDoublePayment(money.deps.table, customerId, 'pi_2');
  if (double === null) throw new Error('no double payment');
  return double;
}

/** Stripe returns these answers in order and then repeats the last one. */
function inTurn(...facts: readonly ReturnFacts[]) {
  let reads = 0;
  return {
    reads: () => reads,
    readReturn: async (): Promise<ReturnFacts> => {
      reads += 1;
      return facts[Math.min(reads, facts.length) - 1] ?? NOTHING;
    },
  };
}

const asks = (deps: PaymentDeps, port: Partial<StripePort>) => answering(deps, () => port);
const notAsked = failing('misconfigured');

describe('returning a second payment', () => {
  it('returning a payment sends the announced refund, stores its id, and reports the full return once', async () => {
    const { customerId, deps, reports } = await announced();
    const sent: unknown[] = [];
    const { readReturn } = inTurn(NOTHING, RETURNED);
    const answered = await asks(deps, {
      readReturn,
      refundPayment: async (order) => {
        sent.push(order);
        return 're_1';
      },
    });
    expect(await returnDoublePayment(answered, customerId, 'pi_2')).toBe('finished');
    expect(sent).toEqual([{ paymentIntentId: 'pi_2', attempt: 1, amountCents: 2_900 }]);
    expect(await stored(customerId)).toMatchObject({ state: 'returned', refundId: 're_1', attempt: 1 });
    const report = { fixAttemptId: 'f1', paymentIntentId: 'pi_2', amountCents: 2_900 };
    expect(reports).toEqual([{ kind: 'double_payment_returned', customerId, ...report }]);
  });

  it('returning a payment sends an announced refund of a part', async () => {
    const { customerId, deps } = await announced({ attempt: 2, refundCents: 900 });
    const sent: unknown[] = [];
    const byHand = refund({ id: 're_0', amountCents: 2_000, attempt: null });
    const { readReturn } = inTurn({ ...NOTHING, refunds: [byHand] }, RETURNED);
    const answered = await asks(deps, {
      readReturn,
      refundPayment: async (order) => {
        sent.push(order);
        return 're_2';
      },
    });
    await returnDoublePayment(answered, customerId, 'pi_2');
    expect(sent).toEqual([{ paymentIntentId: 'pi_2', attempt: 2, amountCents: 900 }]);
  });

  it('returning a payment asks Stripe nothing if it is returned, or is no second payment', async () => {
    const { customerId, deps } = await announced({ state: 'returned' });
    const idle = await asks(deps, { readReturn: notAsked });
    expect(await returnDoublePayment(idle, customerId, 'pi_2')).toBe('finished');
    expect(await returnDoublePayment(idle, customerId, 'pi_other')).toBe('finished');
  });

  it('returning a payment waits while a refund is pending, and reports nothing', async () => {
    const { customerId, deps, reports } = await announced();
    const pending = { ...NOTHING, refunds: [refund({ state: 'pending' })] };
    const answered = await asks(deps, { ...inTurn(pending), refundPayment: notAsked });
    expect(await returnDoublePayment(answered, customerId, 'pi_2')).toBe('waiting');
    expect((await stored(customerId)).state).toBe('returning');
    expect(reports).toEqual([]);
  });

  it('returning a payment announces a new refund before it is sent', async () => {
    const { customerId, deps } = await announced({}, 60_000);
    const failed = { ...NOTHING, refunds: [refund({ state: 'failed' })] };
    const answered = await asks(deps, { ...inTurn(failed), refundPayment: failing('transient') });
    await expect(returnDoublePayment(answered, customerId, 'pi_2')).rejects.toMatchObject({
      code: 'payment_pending',
    });
    expect(await stored(customerId)).toMatchObject({
      attempt: 2,
      refundCents: 2_900,
      startedAt: '2026-01-02T00:01:00.000Z',
      state: 'returning',
    });
  });

  it('a return is opened again if more is to be returned than was', async () => {
    const { customerId, deps } = await announced({ state: 'for_person' });
    const rest = { ...NOTHING, refunds: [refund({ amountCents: 2_000 })] };
    const answered = await asks(deps, { ...inTurn(rest), refundPayment: failing('transient') });
    await expect(returnDoublePayment(answered, customerId, 'pi_2')).rejects.toThrow();
    expect(await stored(customerId)).toMatchObject({ attempt: 2, refundCents: 900, state: 'returning' });
  });

  it('a returned payment has one letter with the whole amount, and none before all of it is returned', async () => {
    const { customerId, deps } = await announced();
    const letters = () => noticeContentsOf(deps, customerId);
    const answers = (...facts: readonly ReturnFacts[]) =>
      asks(deps, { ...inTurn(...facts), refundPayment: async () => 're_2' });
    const rest = { ...NOTHING, refunds: [refund({ amountCents: 2_000, attempt: null })] };
    const pending = {
      ...NOTHING,
      refunds: [...rest.refunds, refund({ amountCents: 900, state: 'pending' })],
    };
    // The refund of the rest is announced and sent, and its id is stored.
    expect(await returnDoublePayment(await answers(rest, rest, pending), customerId, 'pi_2')).toBe('waiting');
    expect(await stored(customerId)).toMatchObject({ refundCents: 900, refundId: 're_2' });
    expect(await letters()).toEqual([]);
    const returned = await answers(RETURNED);
    for (const _ of ['once', 'again']) {
      expect(await returnDoublePayment(returned, customerId, 'pi_2')).toBe('finished');
    }
    const letter = { kind: 'refund_made', amountCents: 2_900, isDouble: true, pullRequest: null };
    expect(await letters()).toEqual([letter]);
  });

  it('a return that does not end is an error after eight steps', async () => {
    const { customerId, deps } = await announced();
    const hand = (cents: number): ReturnFacts => ({
      ...NOTHING,
      refunds: [refund({ amountCents: cents, attempt: null })],
    });
    const answers = inTurn(...[1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map(hand));
    const answered = await asks(deps, { readReturn: answers.readReturn, refundPayment: notAsked });
    await expect(returnDoublePayment(answered, customerId, 'pi_2')).rejects.toThrow('in 8 steps');
    expect(answers.reads()).toBe(8);
  });

  it('a return needs a person once our refunds have failed twice, and states the amount', async () => {
    const { customerId, deps } = await announced();
    const refunds = [refund({ state: 'failed' }), refund({ state: 'failed', attempt: 2 })];
    const answered = await asks(deps, { ...inTurn({ ...NOTHING, refunds }), refundPayment: notAsked });
    const back = () => returnDoublePayment(answered, customerId, 'pi_2');
    await expect(back()).rejects.toThrow('The refunds of payment pi_2 failed. Return $29.00 by hand.');
    await expect(back()).rejects.toBeInstanceOf(ReturnNeedsPerson);
    await expect(back()).rejects.toMatchObject({ name: 'ReturnNeedsPerson' });
    expect((await stored(customerId)).state).toBe('for_person');
  });

  it('a return that needs a person is only read by every further call', async () => {
    const { customerId, deps } = await announced({ state: 'for_person' });
    const refunds = [refund({ state: 'failed' }), refund({ state: 'failed', attempt: 2 })];
    const answered = await asks(deps, { ...inTurn({ ...NOTHING, refunds }), refundPayment: notAsked });
    const { calls } = await countingCalls(deps.table, () =>
      expect(returnDoublePayment(answered, customerId, 'pi_2')).rejects.toBeInstanceOf(ReturnNeedsPerson),
    );
    expect(calls).toEqual(['BatchGetItem']);
  });

  it('a refund that Stripe refuses stays announced', async () => {
    const { customerId, deps } = await announced();
    const answered = await asks(deps, { ...inTurn(NOTHING), refundPayment: failing('refused') });
    await expect(returnDoublePayment(answered, customerId, 'pi_2')).rejects.toMatchObject({
      kind: 'refused',
    });
    expect(await stored(customerId)).toMatchObject({ attempt: 1, refundId: null, state: 'returning' });
  });
});

describe('a refund that was announced a day ago', () => {
  const DAY_LATER = KEY_IS_SAFE_MS + 1;

  it('a refund announced a day ago is only looked up, and its id is stored if it was made', async () => {
    const { customerId, deps } = await announced({}, DAY_LATER);
    const others = [refund({ id: 're_0', amountCents: 1, attempt: null, state: 'failed' })];
    const { readReturn } = inTurn(
      NOTHING,
      { ...NOTHING, refunds: [...others, refund({ id: 're_9' })] },
      RETURNED,
    );
    const answered = await asks(deps, { readReturn, refundPayment: notAsked });
    expect(await returnDoublePayment(answered, customerId, 'pi_2')).toBe('finished');
    expect(await stored(customerId)).toMatchObject({ refundId: 're_9', attempt: 1 });
  });

  it('a refund announced a day ago that was not made is announced under a new key', async () => {
    const { customerId, deps } = await announced({}, DAY_LATER);
    const sent: number[] = [];
    const { readReturn } = inTurn(NOTHING, NOTHING, NOTHING, RETURNED);
    const answered = await asks(deps, {
      readReturn,
      refundPayment: async ({ attempt }) => {
        sent.push(attempt);
        return 're_2';
      },
    });
    expect(await returnDoublePayment(answered, customerId, 'pi_2')).toBe('finished');
    expect(sent).toEqual([2]);
    expect(await stored(customerId)).toMatchObject({
      attempt: 2,
      startedAt: new Date(AT.getTime() + DAY_LATER).toISOString(),
    });
  });
});

describe('a review of a return', () => {
  it.each([null, '2026-01'])(
    'a review opens a return of the month %s again if less was returned than stored, and refunds nothing',
    async (spendingMonth) => {
      const { customerId, deps, reports } = await announced({ state: 'returned' }, 0, spendingMonth);
      const answered = await asks(deps, { ...inTurn(NOTHING), refundPayment: notAsked });
      await reviewReturn(answered, customerId, 'pi_2');
      expect((await stored(customerId)).state).toBe('returning');
      expect(reports).toEqual([]);
    },
  );

  it('a review leaves a return unchanged while all of it is still returned', async () => {
    const { customerId, deps } = await announced({ state: 'returned' });
    await reviewReturn(await asks(deps, inTurn(RETURNED)), customerId, 'pi_2');
    expect((await stored(customerId)).state).toBe('returned');
  });

  it.each(['returning', 'for_person'] as const)(
    'a review asks nothing about a return that is %s',
    async (state) => {
      const { customerId, deps } = await announced({ state });
      await reviewReturn(await asks(deps, { readReturn: notAsked }), customerId, 'pi_2');
      expect((await stored(customerId)).state).toBe(state);
    },
  );

  it('a review asks nothing about a payment that is no second one', async () => {
    const { customerId, deps } = await announced();
    await reviewReturn(await asks(deps, { readReturn: notAsked }), customerId, 'pi_other');
  });
});

describe('a return beside another write', () => {
  it.each([
    ['Stripe fails', failing('misconfigured')],
    ['a payment is pending', inTurn(NOTHING).readReturn],
    ['a person has to return it', inTurn({ ...NOTHING, refusedBy: 'closed_dispute' }).readReturn],
  ])('a return stays open work if %s', async (_, readReturn) => {
    const { customerId, deps } = await announced();
    const answered = await asks(deps, { readReturn, refundPayment: failing('transient') });
    await tryReturn(answered, customerId, 'pi_2');
    expect((await stored(customerId)).state).not.toBe('returned');
  });

  it('contention of a return does not hide a defect of ours', async () => {
    const { customerId, deps } = await announced();
    const answered = await asks(deps, { readReturn: () => Promise.reject(new Error('a defect')) });
    await expect(tryReturn(answered, customerId, 'pi_2')).rejects.toThrow('a defect');
  });
});
