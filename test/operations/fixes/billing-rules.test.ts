import { ThrottlingException, TransactionConflictException } from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import type { FixAttempt } from '../../../lib/domain/fix-attempt.ts';
import type { PaymentRefund } from '../../../lib/domain/payments/payment-return.ts';
import { addPaymentMethod } from '../../../lib/operations/accounts/add-payment-method.ts';
import { billFixAttempt } from '../../../lib/operations/fixes/bill-fix-attempt.ts';
import { finishCharge } from '../../../lib/operations/fixes/charge-fix.ts';
import { settleFixPayment } from '../../../lib/operations/fixes/record-payment.ts';
import { adjustCredits } from '../../../lib/operations/ledger/adjust-credits.ts';
import { retryContended } from '../../../lib/operations/ledger/retry-contended.ts';
import { settlePendingCharges } from '../../../lib/operations/work/sweep.ts';
import type { BusinessEvent, MoneyEvent } from '../../../lib/runtime/business-events.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import { listDueWork } from '../../../lib/store/due-work.ts';
import { decodeFix } from '../../../lib/store/fix-attempts.ts';
import { keys } from '../../../lib/store/keys.ts';
import { readTogether, type Table } from '../../../lib/store/table.ts';
import { StripeFault, type StripeFaultFacts, type StripeFaultKind } from '../../../lib/stripe/fault.ts';
import { type FixPayment, KEY_IS_SAFE_MS, type StripePort } from '../../../lib/stripe/port.ts';
import { recordedFix } from '../../support/customers.ts';
import { middlewareOf } from '../../support/documents.ts';
import { customerWith } from '../../support/fixtures.ts';
import {
  customerWithCard,
  expectSoundMoney,
  headOf,
  type Money,
  openMoneyForFile,
} from '../../support/money.ts';
import { noticeContentsOf } from '../../support/notices.ts';
import { failing } from '../../support/stripe-answers.ts';

/*
 * The answer, stored items and effects at each branch of billing a fix by card. The stand-in answers for
 * Stripe. For a failure, the call is made or not, and the fault is thrown where the SDK would have given up.
 */

let table: Table;
let money: Money;
beforeEach(async () => {
  const opened = await openMoneyForFile();
  ({ table, money } = opened);
  return opened.stop;
});

const HOUR_MS = 60 * 60 * 1000;

interface Merged {
  readonly customerId: string;
  readonly fixId: string;
  readonly reports: MoneyEvent[];
  readonly deps: PaymentDeps;
}

/** A customer with a card and no credits, and a merged fix. */
async function merged(card?: string): Promise<Merged> {
  const { customerId } = await customerWithCard(money, 0, card);
  const reports: MoneyEvent[] = [];
  const report = (happened: BusinessEvent) => {
    if ('amountCents' in happened) reports.push(happened);
  };
  const deps = { ...money.deps, report };
  return { customerId, fixId: await recordedFix(deps, customerId, 1), reports, deps };
}

const bill = ({ deps, customerId, fixId }: Merged) => billFixAttempt(deps, customerId, fixId);

/** The same two hours later, when a card may be retried after one decline. */
const later = (one: Merged): Merged => ({
  ...one,
  deps: { ...one.deps, now: () => new Date(Date.now() + 2 * HOUR_MS) },
});

async function fixOf({ customerId, fixId }: Merged): Promise<FixAttempt> {
  const [item] = await readTogether(table, [keys.fix(customerId, fixId)]);
  if (item === undefined) throw new Error('no fix');
  return decodeFix(item);
}

async function chargeOf(one: Merged) {
  const { charge } = await fixOf(one);
  if (charge === null) throw new Error('no charge');
  return charge;
}

/** The same, with some of Stripe's answers replaced. */
async function answering(one: Merged, answers: (port: StripePort) => Partial<StripePort>): Promise<Merged> {
  const port = await one.deps.stripe();
  return { ...one, deps: { ...one.deps, stripe: async () => ({ ...port, ...answers(port) }) } };
}

/** Stripe's answers about refunds, for payments that the stand-in does not know as paid. */
const returning = (refunds: PaymentRefund[]): Partial<StripePort> => ({
  refundPayment: async ({ amountCents, attempt }) => {
    const id = `re_${refunds.length + 1}`;
    refunds.push({ id, amountCents, attempt, state: 'succeeded' });
    return id;
  },
  readReturn: async () => ({ refunds, disputedCents: 0, refusedBy: null }),
});

/** Checks the customer too, because the same pull request has the same id for every customer. */
const paidFor = ({ customerId, fixId }: Merged): number[] =>
  money.double.state.paymentIntents.newestFirst
    .filter(({ metadata }) => metadata['customer_id'] === customerId && metadata['fix_attempt_id'] === fixId)
    .filter(({ status }) => status === 'succeeded')
    .map(({ amount }) => amount);

const isDue = async (customerId: string): Promise<boolean> =>
  (await listDueWork(table, 'charge', new Date(Date.now() + 48 * HOUR_MS), 200)).some(({ key }) =>
    key.pk.includes(customerId),
  );

describe('a fix that a card pays', () => {
  it('a fix paid by card is billed with the paid amount, reported once, and then answered as already billed', async () => {
    const one = await merged();
    const first = await bill(one);
    const { seq } = await headOf(one.deps, one.customerId);
    const { paymentIntentId } = await chargeOf(one);
    const billed = {
      outcome: 'charged_and_consumed',
      amountCents: 2_900,
      billedAt: expect.any(String),
      seq,
      paymentIntentId,
      spendingMonth: expect.stringMatching(/^\d{4}-\d\d$/),
    };
    expect(first).toEqual({ kind: 'billed', already: false, billed, balance: 0 });
    expect(await bill(one)).toEqual({ kind: 'billed', already: true, billed, balance: 0 });
    expect(await fixOf(one)).toMatchObject({ billed, charge: { state: 'closed', attempt: 1 } });
    expect(one.reports).toEqual([
      {
        kind: 'fix_charged',
        customerId: one.customerId,
        fixAttemptId: one.fixId,
        paymentIntentId,
        amountCents: 2_900,
      },
    ]);
    expect(await isDue(one.customerId)).toBe(false);
    await expectSoundMoney(money, one.customerId);
  });

  it.each<[string, StripeFaultKind, StripeFaultFacts]>([
    ['nothing happened', 'transient', { answered: true }],
    ['there was no response', 'indeterminate', { answered: false }],
    ['it may have happened', 'indeterminate', { answered: true }],
  ])(
    'a charge stays announced if Stripe says that %s, and is sent again under the same key',
    async (_name, kind, facts) => {
      const one = await merged();
      const faulty = await answering(one, () => ({ chargeFix: failing(kind, facts) }));
      await expect(bill(faulty)).rejects.toMatchObject({ code: 'payment_pending' });
      expect(await chargeOf(one)).toMatchObject({ state: 'charging', attempt: 1 });
      expect(await isDue(one.customerId)).toBe(true);
      expect(await bill(one)).toMatchObject({ kind: 'billed', already: true });
      expect(await chargeOf(one)).toMatchObject({ attempt: 1 });
      expect(paidFor(one)).toEqual([2_900]);
    },
  );

  it('a charge made at Stripe despite a lost response is found at once', async () => {
    const one = await merged();
    const faulty = await answering(one, (port) => ({
      chargeFix: async (order) => {
        await port.chargeFix(order);
        throw new StripeFault('indeterminate', { answered: true });
      },
    }));
    expect(await bill(faulty)).toMatchObject({ kind: 'billed', already: false });
    expect(paidFor(one)).toEqual([2_900]);
  });

  it('a charge is not looked up while Stripe is unreachable', async () => {
    const one = await merged();
    const faulty = await answering(one, () => ({
      chargeFix: failing('indeterminate', { answered: false }),
      findFixPayments: failing('misconfigured'),
    }));
    await expect(bill(faulty)).rejects.toMatchObject({ code: 'payment_pending' });
    const late = await answering(one, () => ({
      chargeFix: failing('transient', { answered: true }),
      findFixPayments: failing('misconfigured'),
    }));
    await expect(bill(late)).rejects.toMatchObject({ code: 'payment_pending' });
  });

  it('a charge whose key replays an answer without an outcome is given up, and the next call is a new attempt', async () => {
    const one = await merged();
    const facts = { answered: true, replayed: true };
    const faulty = await answering(one, () => ({ chargeFix: failing('indeterminate', facts) }));
    await expect(bill(faulty)).rejects.toMatchObject({ code: 'payment_pending' });
    expect(await chargeOf(one)).toMatchObject({ state: 'closed', attempt: 1, paymentIntentId: null });
    expect(await bill(one)).toMatchObject({ kind: 'billed', already: false });
    expect(await chargeOf(one)).toMatchObject({ attempt: 2 });
  });

  it.each<[StripeFaultKind, string | undefined, string]>([
    ['declined', 'expired_card', 'expired_card'],
    ['authentication_required', 'authentication_required', 'authentication_required'],
    ['refused', undefined, 'payment_method_unusable'],
  ])(
    'a charge for which Stripe makes no payment (%s) is declined, and its owner is notified',
    async (kind, code, said) => {
      const one = await merged();
      const faulty = await answering(one, () => ({ chargeFix: failing(kind, { code }) }));
      expect(await bill(faulty)).toEqual({
        kind: 'declined',
        decline: { code: said, declineCode: null },
        balance: 0,
      });
      expect(await chargeOf(one)).toMatchObject({ state: 'closed', attempt: 1 });
      expect(await isDue(one.customerId)).toBe(false);
      expect(await noticeContentsOf(one.deps, one.customerId)).toMatchObject([
        { kind: 'card_declined', amountCents: 2_900, declineCode: said },
      ]);
      expect(await bill(later(one))).toMatchObject({ kind: 'billed' });
    },
  );

  it('a fix whose card is gone at Stripe is blocked, and no charge is announced', async () => {
    const one = await merged();
    const { paymentMethodId } = await headOf(one.deps, one.customerId);
    await money.stripe.paymentMethods.detach(paymentMethodId ?? '');
    expect(await bill(one)).toMatchObject({ kind: 'blocked', code: 'no_billing_info', balance: 0 });
    expect((await headOf(one.deps, one.customerId)).paymentMethodId).toBeNull();
    expect(await fixOf(one)).toMatchObject({ charge: null });
  });

  it('a charge with wrong settings is refused before it is made, and the next try is a new attempt', async () => {
    const one = await merged();
    const faulty = await answering(one, () => ({ chargeFix: failing('misconfigured') }));
    await expect(bill(faulty)).rejects.toMatchObject({ code: 'payments_misconfigured' });
    expect(await chargeOf(one)).toMatchObject({ state: 'closed', attempt: 1 });
    expect(await bill(one)).toMatchObject({ kind: 'billed' });
    expect(await chargeOf(one)).toMatchObject({ attempt: 2 });
  });

  it('a charge that Stripe cancels each time is tried five times in one call, and then given up', async () => {
    const one = await merged();
    const ending = await answering(one, (port) => ({
      chargeFix: async (order) => {
        const { paymentIntentId } = await port.chargeFix({
          ...order,
          paymentMethodId: 'pm_card_authenticationRequired',
        });
        const ended = await port.cancelPayment(paymentIntentId);
        if (ended === null) throw new Error('no payment');
        return ended;
      },
    }));
    await expect(bill(ending)).rejects.toThrow('was not finished in 5 steps');
    expect(await chargeOf(one)).toMatchObject({ state: 'closed', attempt: 5 });
  });

  it('a charge that fails for a reason outside Stripe stays announced', async () => {
    const one = await merged();
    const defect = new TypeError('a defect');
    const faulty = await answering(one, () => ({ chargeFix: () => Promise.reject(defect) }));
    await expect(bill(faulty)).rejects.toBe(defect);
    expect(await chargeOf(one)).toMatchObject({ state: 'charging' });
    await bill(one);
  });
});

describe('a charge without an answer', () => {
  /** A charge that is announced but not made. */
  async function announced(): Promise<Merged> {
    const one = await merged();
    const faulty = await answering(one, () => ({ chargeFix: failing('transient') }));
    await expect(bill(faulty)).rejects.toMatchObject({ code: 'payment_pending' });
    return one;
  }

  /** The same as if this much time had passed since the announcement. */
  async function aged(one: Merged, ms: number): Promise<Merged> {
    const atMs = Date.parse((await chargeOf(one)).startedAt) + ms;
    return { ...one, deps: { ...one.deps, now: () => new Date(atMs) } };
  }

  async function finish(one: Merged, facts: Partial<FixAttempt> = {}) {
    const fix = { ...(await fixOf(one)), ...facts };
    return finishCharge(one.deps, one.customerId, fix, await chargeOf(one));
  }

  it('a charge without an outcome is sent while its key is safe, and only looked up after that', async () => {
    const safe = await announced();
    expect(await finish(await aged(safe, KEY_IS_SAFE_MS))).toMatchObject({
      settlement: { kind: 'billed' },
      payment: { state: 'succeeded' },
    });
    const late = await announced();
    expect(await finish(await aged(late, KEY_IS_SAFE_MS + 1))).toEqual({
      payment: null,
      settlement: { kind: 'unpaid' },
    });
    expect(await chargeOf(late)).toMatchObject({ state: 'closed' });
    expect(paidFor(late)).toEqual([]);
  });

  it('a charge without an outcome is only looked up if the fix is billed meanwhile', async () => {
    const one = await announced();
    const billed = {
      outcome: 'credit_consumed',
      amountCents: 0,
      billedAt: '2026-01-01T00:00:00.000Z',
      seq: 1,
      paymentIntentId: null,
      spendingMonth: null,
    } as const;
    expect((await finish(await aged(one, 3 * 60 * 1000), { billed })).payment).toBeNull();
    expect(paidFor(one)).toEqual([]);
  });

  it('a charge that was paid after all is billed when it is found a day later', async () => {
    const one = await merged();
    const faulty = await answering(one, (port) => ({
      chargeFix: async (order) => {
        await port.chargeFix(order);
        throw new StripeFault('transient');
      },
    }));
    await expect(bill(faulty)).rejects.toMatchObject({ code: 'payment_pending' });
    expect(await finish(await aged(one, 24 * HOUR_MS))).toMatchObject({ settlement: { kind: 'billed' } });
    expect(paidFor(one)).toEqual([2_900]);
  });

  it('a charge that could still be paid is canceled when it is found a day later', async () => {
    const one = await merged('pm_card_authenticationRequired');
    const faulty = await answering(one, (port) => ({
      chargeFix: async (order) => {
        await port.chargeFix(order);
        throw new StripeFault('transient');
      },
    }));
    await expect(bill(faulty)).rejects.toMatchObject({ code: 'payment_pending' });
    expect(await finish(await aged(one, 24 * HOUR_MS))).toMatchObject({
      payment: { state: 'canceled' },
      settlement: { kind: 'unpaid' },
    });
    expect(await chargeOf(one)).toMatchObject({ state: 'closed' });
    expect(await noticeContentsOf(one.deps, one.customerId)).toEqual([]);
  });

  it('a day-old charge that was never made is closed, and the next attempt is made in the same call', async () => {
    const one = await aged(await announced(), 24 * HOUR_MS);
    expect(await bill(one)).toMatchObject({ kind: 'billed', already: false });
    expect(await chargeOf(one)).toMatchObject({ attempt: 2 });
  });

  it('a charge is not mistaken for the payment of another attempt', async () => {
    const one = await aged(await announced(), 24 * HOUR_MS);
    const other = await answering(one, () => ({
      findFixPayments: async () => [
        {
          customerId: one.customerId,
          fixAttemptId: one.fixId,
          attempt: 7,
          paymentIntentId: 'pi_other',
          stripeCustomerId: 'cus_1',
          state: 'succeeded',
          amountCents: 2_900,
          decline: null,
          clientSecret: null,
        },
      ],
    }));
    expect((await finish(other)).payment).toBeNull();
    expect((await fixOf(one)).billed).toBeNull();
  });

  it('a charge whose payment is not for a fix is closed', async () => {
    const one = await merged('pm_card_authenticationRequired');
    const faulty = await answering(one, (port) => ({
      chargeFix: async (order) => {
        await port.chargeFix(order);
        throw new StripeFault('transient');
      },
    }));
    await expect(bill(faulty)).rejects.toMatchObject({ code: 'payment_pending' });
    const late = await aged(one, 24 * HOUR_MS);
    const blank = await answering(late, () => ({ cancelPayment: async () => null }));
    expect((await finish(blank)).payment).toBeNull();
    expect(await chargeOf(one)).toMatchObject({ state: 'closed' });
  });

  it('a charge of a customer deleted at Stripe is closed', async () => {
    const one = await announced();
    const late = await aged(one, 24 * HOUR_MS);
    const gone = await answering(late, () => ({ findFixPayments: failing('refused') }));
    expect((await finish(gone)).payment).toBeNull();
    expect(await chargeOf(one)).toMatchObject({ state: 'closed' });
  });

  it.each([
    ['transient', 'payment_pending'],
    ['indeterminate', 'payment_pending'],
    ['misconfigured', 'payments_misconfigured'],
  ] as const)('a charge that cannot be looked up (%s) stays announced: %s', async (kind, code) => {
    const one = await announced();
    const late = await aged(one, 24 * HOUR_MS);
    const blind = await answering(late, () => ({ findFixPayments: failing(kind) }));
    await expect(finish(blind)).rejects.toMatchObject({ code });
    expect(await chargeOf(one)).toMatchObject({ state: 'charging' });
    await bill(one);
  });

  it('the sweeper finishes a charge once it is two minutes old, and not before', async () => {
    const one = await announced();
    const young = await aged(one, 2 * 60 * 1000 - 1);
    await settlePendingCharges(young.deps);
    expect(await chargeOf(one)).toMatchObject({ state: 'charging' });
    const old = await aged(one, 2 * 60 * 1000);
    expect(await settlePendingCharges(old.deps)).toEqual({ settled: 1, waiting: [], failed: [] });
    expect(await fixOf(one)).toMatchObject({ billed: { outcome: 'charged_and_consumed' } });
  });

  it('the sweeper reports a charge that fails again, moves it to the end of the queue, and retries it later', async () => {
    const one = await announced();
    const late = await aged(one, 10 * 60 * 1000);
    const faulty = await answering(late, () => ({ chargeFix: failing('transient') }));
    const { settled, failed } = await settlePendingCharges(faulty.deps);
    expect(settled).toBe(0);
    expect(failed).toMatchObject([
      {
        work: { item: { kind: 'fix', customerId: one.customerId } },
        error: { code: 'payment_pending' },
      },
    ]);
    // It was postponed to now. The next run skips it, because it takes only work older than two minutes.
    expect(await settlePendingCharges(late.deps)).toEqual({ settled: 0, waiting: [], failed: [] });
    const later = await aged(one, 13 * 60 * 1000);
    expect(await settlePendingCharges(later.deps)).toEqual({ settled: 1, waiting: [], failed: [] });
  });

  it('the sweeper leaves a charge to the next run when its time is up', async () => {
    const one = await announced();
    const startedMs = Date.parse((await chargeOf(one)).startedAt) + 10 * 60 * 1000;
    let asked = 0;
    const now = () => new Date(startedMs + (asked++ === 0 ? 0 : 180_001));
    expect(await settlePendingCharges({ ...one.deps, now })).toEqual({ settled: 0, waiting: [], failed: [] });
    asked = 0;
    const inTime = () => new Date(startedMs + (asked++ === 0 ? 0 : 180_000));
    expect(await settlePendingCharges({ ...one.deps, now: inTime })).toEqual({
      settled: 1,
      waiting: [],
      failed: [],
    });
  });
});

describe('a charge that the cardholder has to confirm', () => {
  it('a charge that needs confirmation is returned unchanged until the cardholder answers', async () => {
    const one = await merged('pm_card_authenticationRequired');
    const first = await bill(one);
    expect(first).toMatchObject({
      kind: 'action_required',
      balance: 0,
      payment: { state: 'action_required' },
    });
    expect(await chargeOf(one)).toMatchObject({ state: 'action_required', attempt: 1 });
    expect(await bill(one)).toEqual(first);
    const { paymentIntentId } = await chargeOf(one);
    await money.control(`payment_intents/${paymentIntentId}/authenticate`, { succeeds: true });
    expect(await bill(one)).toMatchObject({ kind: 'billed', billed: { paymentIntentId } });
    expect(paidFor(one)).toEqual([2_900]);
  });

  it('a charge that the cardholder refused to confirm is declined, notified once more, and ended before the next attempt', async () => {
    const one = await merged('pm_card_authenticationRequired');
    await bill(one);
    const { paymentIntentId } = await chargeOf(one);
    await money.control(`payment_intents/${paymentIntentId}/authenticate`, { succeeds: false });
    await bill(one);
    expect(paidFor(one)).toEqual([]);
    await addPaymentMethod(one.deps, await headOf(one.deps, one.customerId), await money.newCard());
    expect(await headOf(one.deps, one.customerId)).toMatchObject({ balance: 0 });
    expect(await bill(one)).toMatchObject({ kind: 'billed' });
    expect(money.double.state.paymentIntents.find(paymentIntentId ?? '')?.status).toBe('canceled');
    expect(paidFor(one)).toEqual([2_900]);
  });

  it('a charge that Stripe still processes is pending', async () => {
    const one = await merged('pm_card_authenticationRequired');
    await bill(one);
    const working = await answering(one, (port) => ({
      readFixPayment: async (id) => {
        const payment = await port.readFixPayment(id);
        return payment && { ...payment, state: 'processing' };
      },
    }));
    await expect(bill(working)).rejects.toMatchObject({ code: 'payment_pending' });
    expect(await chargeOf(one)).toMatchObject({ state: 'action_required' });
  });

  it('a charge needing confirmation whose payment is not for a fix is closed, and the next attempt is made at once', async () => {
    const one = await merged('pm_card_authenticationRequired');
    await bill(one);
    const blank = await answering(one, () => ({ readFixPayment: async () => null }));
    expect(await bill(blank)).toMatchObject({ kind: 'action_required' });
    expect(await chargeOf(one)).toMatchObject({ attempt: 2, state: 'action_required' });
  });

  it('a charge needing confirmation gives way to new credits, and can no longer be paid', async () => {
    const one = await merged('pm_card_authenticationRequired');
    await bill(one);
    const { paymentIntentId } = await chargeOf(one);
    const credits = { amount: 2, reason: 'r', actor: 'tests', idempotencyKey: 'more' };
    await adjustCredits(one.deps, one.customerId, credits);
    expect(await bill(one)).toMatchObject({
      kind: 'billed',
      already: false,
      balance: 1,
      billed: { outcome: 'credit_consumed', amountCents: 0, paymentIntentId: null },
    });
    expect(money.double.state.paymentIntents.find(paymentIntentId ?? '')?.status).toBe('canceled');
    expect(paidFor(one)).toEqual([]);
  });

  it('a charge that the cardholder has just confirmed bills the fix, whatever else was about to be tried', async () => {
    const one = await merged('pm_card_authenticationRequired');
    await bill(one);
    const { paymentIntentId } = await chargeOf(one);
    await money.control(`payment_intents/${paymentIntentId}/authenticate`, { succeeds: true });
    const credits = { amount: 2, reason: 'r', actor: 'tests', idempotencyKey: 'more' };
    await adjustCredits(one.deps, one.customerId, credits);
    expect(await bill(one)).toMatchObject({ kind: 'billed', billed: { paymentIntentId }, balance: 2 });
  });
});

describe('a charge that was declined', () => {
  it("a declined charge has the bank's reason, and its payment is ended before the next attempt", async () => {
    const one = await merged('pm_card_chargeCustomerFail');
    expect(await bill(one)).toEqual({
      kind: 'declined',
      decline: { code: 'card_declined', declineCode: 'generic_decline' },
      balance: 0,
    });
    const first = await chargeOf(one);
    expect(first).toMatchObject({ state: 'declined', attempt: 1 });
    expect(await isDue(one.customerId)).toBe(false);
    expect((await bill(later(one))).kind).toBe('declined');
    expect(await chargeOf(one)).toMatchObject({ state: 'declined', attempt: 2 });
    expect(money.double.state.paymentIntents.find(first.paymentIntentId ?? '')?.status).toBe('canceled');
    expect((await noticeContentsOf(one.deps, one.customerId))[0]).toMatchObject({
      declineCode: 'generic_decline',
    });
  });

  it('a charge declined without a reason is a decline, and one without an outcome is pending', async () => {
    const one = await merged('pm_card_chargeCustomerFail');
    const mute = await answering(one, (port) => ({
      chargeFix: async (order) => ({ ...(await port.chargeFix(order)), decline: null }),
    }));
    expect(await bill(mute)).toMatchObject({
      kind: 'declined',
      decline: { code: 'card_declined', declineCode: null },
    });
    expect(await noticeContentsOf(one.deps, one.customerId)).toMatchObject([{ declineCode: null }]);
    const other = await merged();
    const slow = await answering(other, (port) => ({
      chargeFix: async (order) => ({ ...(await port.chargeFix(order)), state: 'processing' }),
    }));
    await expect(bill(slow)).rejects.toMatchObject({ code: 'payment_pending' });
    expect(await chargeOf(other)).toMatchObject({ state: 'charging' });
    await bill(other);
  });

  it('a declined charge whose payment Stripe still processes is pending and not tried again', async () => {
    const one = await merged('pm_card_chargeCustomerFail');
    await bill(one);
    const working = await answering(one, (port) => ({
      cancelPayment: async (id) => {
        const payment = await port.readFixPayment(id);
        return payment && { ...payment, state: 'processing' };
      },
    }));
    await expect(bill(working)).rejects.toMatchObject({ code: 'payment_pending' });
    expect(await chargeOf(one)).toMatchObject({ state: 'declined', attempt: 1 });
  });

  it('a declined charge that cannot be ended reports the fault of Stripe and stays unchanged', async () => {
    const one = await merged('pm_card_chargeCustomerFail');
    await bill(one);
    const faulty = await answering(one, () => ({ cancelPayment: failing('transient') }));
    await expect(bill(faulty)).rejects.toMatchObject({ code: 'payments_unavailable' });
    expect(await chargeOf(one)).toMatchObject({ state: 'declined', attempt: 1 });
  });
});

describe('settling a payment', () => {
  async function paymentOf(one: Merged): Promise<FixPayment> {
    const { paymentIntentId } = await chargeOf(one);
    const payment = await (await one.deps.stripe()).readFixPayment(paymentIntentId ?? '');
    if (payment === null) throw new Error('no payment');
    return payment;
  }

  it('settling a settled payment writes nothing and says so', async () => {
    const one = await merged();
    await bill(one);
    const { seq } = await headOf(one.deps, one.customerId);
    expect(await settleFixPayment(one.deps, await paymentOf(one))).toMatchObject({
      settlement: { kind: 'billed', already: true },
      wrote: false,
    });
    expect((await headOf(one.deps, one.customerId)).seq).toBe(seq);
    expect(one.reports).toHaveLength(1);
  });

  it('settling a payment of a paid fix returns it, once, and says so', async () => {
    const one = await merged('pm_card_authenticationRequired');
    await bill(one);
    const payment = await paymentOf(one);
    const credits = { amount: 2, reason: 'r', actor: 'tests', idempotencyKey: 'more' };
    await adjustCredits(one.deps, one.customerId, credits);
    await bill(one);
    // As if it had been paid just before it was ended.
    const second = { ...payment, state: 'succeeded' } as const;
    const refunds: PaymentRefund[] = [];
    const refunding = await answering(one, () => returning(refunds));
    const { paymentIntentId } = payment;
    for (const wrote of [true, false]) {
      expect(await settleFixPayment(refunding.deps, second)).toEqual({
        settlement: { kind: 'paid_twice' },
        wrote,
      });
    }
    expect(refunds).toMatchObject([{ amountCents: 2_900, attempt: 1 }]);
    expect(one.reports).toEqual([
      expect.objectContaining({ kind: 'charge_declined' }),
      {
        kind: 'double_payment_returned',
        customerId: one.customerId,
        fixAttemptId: one.fixId,
        paymentIntentId,
        amountCents: 2_900,
      },
    ]);
    expect(await headOf(one.deps, one.customerId)).toMatchObject({ balance: 1 });
  });

  it('a payment that could not be returned is returned by the sweeper', async () => {
    const one = await merged('pm_card_authenticationRequired');
    await bill(one);
    const payment = await paymentOf(one);
    const credits = { amount: 1, reason: 'r', actor: 'tests', idempotencyKey: 'more' };
    await adjustCredits(one.deps, one.customerId, credits);
    await bill(one);
    const faulty = await answering(one, () => ({ refundPayment: failing('transient') }));
    expect(await settleFixPayment(faulty.deps, { ...payment, state: 'succeeded' })).toMatchObject({
      settlement: { kind: 'paid_twice' },
      wrote: true,
    });
    expect(await isDue(one.customerId)).toBe(true);
    const refunds: PaymentRefund[] = [];
    const mended = await answering(one, () => returning(refunds));
    expect(await settlePendingCharges(mended.deps, -HOUR_MS)).toEqual({
      settled: 1,
      waiting: [],
      failed: [],
    });
    expect(await isDue(one.customerId)).toBe(false);
    expect(one.reports).toMatchObject([{ kind: 'charge_declined' }, { kind: 'double_payment_returned' }]);
  });

  it('settling reports a decline once for each attempt, by any caller, and however often it waits for the cardholder', async () => {
    const kinds = ({ reports }: Merged) => reports.map(({ kind }) => kind);
    const declined = await merged('pm_card_chargeCustomerFail');
    await bill(declined);
    await bill(later(declined));
    expect(kinds(declined)).toEqual(['charge_declined', 'charge_declined']);

    const waiting = await merged('pm_card_authenticationRequired');
    await bill(waiting);
    await bill(waiting);
    await settleFixPayment(waiting.deps, await paymentOf(waiting));
    expect(kinds(waiting)).toEqual(['charge_declined']);
    // The cardholder's answer belongs to the same attempt.
    const { wrote } = await settleFixPayment(waiting.deps, {
      ...(await paymentOf(waiting)),
      state: 'declined',
    });
    expect([wrote, kinds(waiting)]).toEqual([true, ['charge_declined']]);

    const unanswered = await merged('pm_card_chargeCustomerFail');
    const faulty = await answering(unanswered, () => ({ chargeFix: failing('transient') }));
    await expect(bill(faulty)).rejects.toMatchObject({ code: 'payment_pending' });
    expect(kinds(unanswered)).toEqual([]);
    await settlePendingCharges(unanswered.deps, -HOUR_MS);
    expect(kinds(unanswered)).toEqual(['charge_declined']);

    const refused = await merged();
    await bill(
      await answering(refused, () => ({ chargeFix: failing('declined', { code: 'card_declined' }) })),
    );
    expect(refused.reports).toMatchObject([
      { kind: 'charge_declined', paymentIntentId: null, amountCents: 2_900 },
    ]);

    // Two callers that send the same attempt both get a decline.
    const shared = await answering(await merged(), () => ({ chargeFix: failing('transient') }));
    await expect(bill(shared)).rejects.toMatchObject({ code: 'payment_pending' });
    const [fix, charge] = [await fixOf(shared), await chargeOf(shared)];
    const both = await answering(shared, () => ({
      chargeFix: failing('declined', { code: 'card_declined' }),
    }));
    for (let n = 0; n < 2; n++) await finishCharge(both.deps, both.customerId, fix, charge);
    expect(kinds(both)).toEqual(['charge_declined']);
  });

  /** The first attempt is declined. The second is announced and has no answer. */
  async function second(): Promise<{ one: Merged; first: FixPayment }> {
    const one = await merged('pm_card_chargeCustomerFail');
    await bill(one);
    const first = await paymentOf(one);
    const faulty = await answering(one, () => ({ chargeFix: failing('transient') }));
    await expect(bill(later(faulty))).rejects.toMatchObject({ code: 'payment_pending' });
    expect(await chargeOf(one)).toMatchObject({ state: 'charging', attempt: 2 });
    return { one, first };
  }

  it('settling returns what it wrote, and what was written before', async () => {
    const one = await merged();
    const faulty = await answering(one, (port) => ({
      chargeFix: async (order) => {
        await port.chargeFix(order);
        throw new StripeFault('transient');
      },
    }));
    await expect(bill(faulty)).rejects.toMatchObject({ code: 'payment_pending' });
    const { stripeCustomerId, startedAt } = await chargeOf(one);
    const port = await one.deps.stripe();
    const [payment] = await port.findFixPayments(stripeCustomerId, one.fixId, new Date(startedAt));
    if (payment === undefined) throw new Error('no payment');
    const settled = (already: boolean) => ({ settlement: { kind: 'billed', already }, wrote: !already });
    expect(await settleFixPayment(one.deps, payment)).toMatchObject(settled(false));
    expect(await settleFixPayment(one.deps, payment)).toMatchObject(settled(true));
  });

  it('settling a payment of an earlier attempt leaves the attempt in flight unchanged', async () => {
    const { one, first } = await second();
    expect(await settleFixPayment(one.deps, first)).toMatchObject({ wrote: false });
    expect(await chargeOf(one)).toMatchObject({ state: 'charging', attempt: 2 });
  });

  it('settling a second attempt after the first was paid returns the second payment and ends that attempt', async () => {
    const { one, first } = await second();
    await settleFixPayment(one.deps, { ...first, state: 'succeeded' });
    expect(await fixOf(one)).toMatchObject({
      billed: { paymentIntentId: first.paymentIntentId },
      charge: { state: 'charging', attempt: 2 },
    });
    const refunds: PaymentRefund[] = [];
    const refunding = await answering(one, () => returning(refunds));
    const paid = { ...first, attempt: 2, paymentIntentId: 'pi_second', state: 'succeeded' } as const;
    expect(await settleFixPayment(refunding.deps, paid)).toMatchObject({
      settlement: { kind: 'paid_twice' },
    });
    expect(await chargeOf(one)).toMatchObject({ state: 'closed', paymentIntentId: 'pi_second' });
    expect(await isDue(one.customerId)).toBe(false);
  });

  it('a payment that still waits for the cardholder is notified once', async () => {
    const one = await merged('pm_card_authenticationRequired');
    await bill(one);
    expect(await settleFixPayment(one.deps, await paymentOf(one))).toMatchObject({ wrote: false });
  });

  it('settling an unpaid payment of a fix that was never charged changes nothing', async () => {
    const one = await merged('pm_card_chargeCustomerFail');
    await bill(one);
    const payment = await paymentOf(one);
    const other = await merged();
    const strange = { ...payment, customerId: other.customerId, fixAttemptId: other.fixId };
    expect(await settleFixPayment(one.deps, strange)).toMatchObject({ wrote: false });
  });

  it('settling an unpaid payment changes nothing of a later attempt', async () => {
    const one = await merged('pm_card_chargeCustomerFail');
    await bill(one);
    const first = await paymentOf(one);
    await bill(later(one));
    const second = await chargeOf(one);
    const letters = await noticeContentsOf(one.deps, one.customerId);
    expect(await settleFixPayment(one.deps, { ...first, state: 'declined' })).toEqual({
      settlement: { kind: 'unpaid' },
      wrote: false,
    });
    expect(await settleFixPayment(one.deps, await paymentOf(one))).toMatchObject({ wrote: false });
    expect(await chargeOf(one)).toEqual(second);
    expect(await noticeContentsOf(one.deps, one.customerId)).toEqual(letters);
  });
});

describe('a blocked fix', () => {
  it('a blocked fix is notified once, and stays blocked', async () => {
    const { head } = await customerWith(money.deps, 0);
    const { customerId } = head;
    const one = {
      customerId,
      fixId: await recordedFix(money.deps, customerId, 1),
      reports: [],
      deps: money.deps,
    };
    const blocked = { kind: 'blocked', code: 'no_billing_info', reasons: ['no_billing_info'], balance: 0 };
    expect(await bill(one)).toMatchObject(blocked);
    expect(await bill(one)).toMatchObject(blocked);
    expect(await noticeContentsOf(one.deps, customerId)).toHaveLength(1);
    expect((await fixOf(one)).blockedAtRaise).toBe((await headOf(one.deps, customerId)).raisedSeq);
  });
});

describe('a ledger with concurrent writers', () => {
  /** Deps with a clock that advances 10 ms per read, and a table that refuses every transaction. */
  function contended(deps: PaymentDeps, error: () => Error, sleepTakesTime: boolean) {
    const waits: number[] = [];
    let nowMs = Date.parse('2026-01-01T00:00:00.000Z');
    const name = 'contended';
    middlewareOf(table).add(
      (next, context) => async (args) => {
        if (context.commandName === 'TransactWriteItemsCommand') {
          throw error();
        }
        return next(args);
      },
      { step: 'initialize', priority: 'high', name },
    );
    return {
      waits,
      deps: {
        ...deps,
        now: () => {
          nowMs += 10;
          return new Date(nowMs);
        },
        random: () => 1,
        sleep: async (ms: number) => {
          waits.push(ms);
          if (sleepTakesTime) nowMs += ms;
        },
      },
      release: () => middlewareOf(table).remove(name),
    };
  }

  const conflict = () => new TransactionConflictException({ message: 'busy', $metadata: {} });
  const throttling = () => new ThrottlingException({ message: 'slow down', $metadata: {} });
  const adjustment = { amount: 1, reason: 'r', actor: 'tests', idempotencyKey: 'k' };

  it('a throttled ledger write answers 503 and is not repeated', async () => {
    const { head } = await customerWith(money.deps, 5);
    const { deps, waits, release } = contended(money.deps, throttling, false);
    const change = adjustCredits(deps, head.customerId, adjustment).finally(release);
    await expect(change).rejects.toMatchObject({ code: 'ledger_unavailable' });
    expect(waits).toEqual([]);
  });

  it('a contended ledger write is tried 20 times, after waits that double from the measured round trip up to two seconds', async () => {
    const { head } = await customerWith(money.deps, 5);
    const { deps, waits, release } = contended(money.deps, conflict, false);
    const change = adjustCredits(deps, head.customerId, adjustment).finally(release);
    await expect(change).rejects.toMatchObject({ code: 'ledger_busy' });
    expect(waits).toEqual([
      20, 40, 80, 160, 320, 640, 1_280, 2_000, 2_000, 2_000, 2_000, 2_000, 2_000, 2_000, 2_000, 2_000, 2_000,
      2_000, 2_000, 2_000,
    ]);
  });

  it('a contended ledger write is given up after 12 seconds, before the caller times out', async () => {
    const { head } = await customerWith(money.deps, 5);
    const { deps, waits, release } = contended(money.deps, conflict, true);
    const change = adjustCredits(deps, head.customerId, adjustment).finally(release);
    await expect(change).rejects.toMatchObject({ code: 'ledger_busy' });
    expect(waits.reduce((sum, ms) => sum + ms, 0)).toBe(20 + 40 + 80 + 160 + 320 + 640 + 1_280 + 5 * 2_000);
  });

  it('a lost race is answered from the items returned with the refusal, without another read', async () => {
    const { head } = await customerWith(money.deps, 5);
    const fixId = await recordedFix(money.deps, head.customerId, 1);
    const one = { customerId: head.customerId, fixId, reports: [], deps: money.deps };
    const stale = { head: await headOf(money.deps, head.customerId), related: await fixOf(one) };
    await bill(one);
    const asked: string[] = [];
    middlewareOf(table).add(
      (next, context) => (args) => {
        asked.push(String(context.commandName));
        return next(args);
      },
      { step: 'initialize', priority: 'high', name: 'asked' },
    );
    const late = billFixAttempt(money.deps, head.customerId, fixId, stale);
    const outcome = await late.finally(() => middlewareOf(table).remove('asked'));
    expect(outcome).toMatchObject({ kind: 'billed', already: true, balance: 4 });
    expect(asked).toEqual(['TransactWriteItemsCommand']);
  });

  it('contention does not look like a missing customer', async () => {
    await expect(adjustCredits(money.deps, 'f'.repeat(32), adjustment)).rejects.toMatchObject({
      code: 'customer_not_found',
    });
  });
});

describe('a write that meets others', () => {
  it('a contended write is repeated eight times, after waits that double, and then given up', async () => {
    const waits: number[] = [];
    const deps = { ...money.deps, random: () => 1, sleep: async (ms: number) => void waits.push(ms) };
    const busy = retryContended(deps, async () => ({ kind: 'contended' }));
    await expect(busy).rejects.toMatchObject({ code: 'ledger_busy' });
    expect(waits).toEqual([20, 40, 80, 160, 320, 640, 1_280]);
  });

  it('a write is not repeated if the request would have no time left to answer', async () => {
    const deps = { ...money.deps, random: () => 1, sleep: async () => {} };
    // After the first write, the wait of 20 ms fits exactly before the 1.5 s that are kept for the answer.
    let leftMs = 1_540;
    const tools = { ...deps.table.tools, timeLeftMs: () => leftMs };
    let writes = 0;
    const busy = retryContended({ ...deps, table: { ...deps.table, tools } }, async () => {
      writes += 1;
      leftMs -= 20;
      return { kind: 'contended' };
    });
    await expect(busy).rejects.toMatchObject({ code: 'ledger_busy' });
    expect(writes).toBe(2);
  });

  it('a write is not repeated after it succeeded', async () => {
    const answers = ['contended', 'written'];
    const deps = { ...money.deps, sleep: async () => {} };
    expect(await retryContended(deps, async () => ({ kind: answers.shift() ?? 'none' }))).toEqual({
      kind: 'written',
    });
  });
});
