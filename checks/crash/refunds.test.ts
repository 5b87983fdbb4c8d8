import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { billFixAttempt } from '../../lib/operations/fixes/bill-fix-attempt.ts';
import { subscribeToPro } from '../../lib/operations/plans/subscribe-to-pro.ts';
import type { StripeEvent } from '../../lib/stripe/event.ts';
import { recordedFix } from '../../test/support/customers.ts';
import { atStripe } from '../../test/support/http-money.ts';
import { customerWithCard, expectSoundMoney, headOf, type Money } from '../../test/support/money.ts';
import { type Crashes, eventsSoFar, everyCrash, openCrashes } from './every-crash.ts';

let crashes: Crashes;
let money: Money;
beforeAll(async () => {
  crashes = await openCrashes();
  ({ money } = crashes);
});
afterAll(() => crashes.stop());

/** Stripe's newest event of a type about a customer. */
function newestEvent(customerId: string, type: string): StripeEvent {
  const event = eventsSoFar(money, customerId).findLast((one) => one.type === type);
  if (event === undefined) throw new Error(`no ${type}`);
  return event;
}

const newest = (customerId: string, type: string) => JSON.stringify(newestEvent(customerId, type));

/** Drift while a payment's event is not handled yet. */
const NOT_COUNTED_YET = /^money without credits: charge .* has no ledger entry$|was not announced by fix/;

/** A fix billed with a credit, and a payment for it: an earlier attempt was paid just before it ended. */
async function paidTwice(): Promise<string> {
  const { customerId, stripeCustomerId } = await customerWithCard(money, 1);
  const fixId = await recordedFix(money.deps, customerId, 1);
  await billFixAttempt(money.deps, customerId, fixId);
  const { paymentMethodId } = await headOf(money.deps, customerId);
  await money.stripe.paymentIntents.create({
    amount: 2_900,
    currency: 'usd',
    customer: stripeCustomerId,
    payment_method: paymentMethodId ?? '',
    confirm: true,
    off_session: true,
    allowed_payment_method_types: ['card'],
    metadata: { purpose: 'fix', customer_id: customerId, fix_attempt_id: fixId, attempt: '1' },
  });
  return customerId;
}

const refundsOf = (customerId: string) =>
  atStripe(money, customerId)
    .refunds.map(({ amount, status }) => [amount, status])
    .toReversed();

async function expectNothingKept(customerId: string): Promise<void> {
  expect(atStripe(money, customerId).paid).toEqual([2_900]);
  const { head } = await expectSoundMoney(money, customerId);
  expect(head.balance).toBe(0);
}

describe('the second payment of a fix, killed at any call', () => {
  it('refunding the second payment of a fix, killed at any call, refunds it once and in full', async () => {
    const { calls } = await everyCrash(crashes, {
      prepare: async () => {
        const customerId = await paidTwice();
        const event = newest(customerId, 'payment_intent.succeeded');
        return { command: { kind: 'webhook', event }, customerId };
      },
      check: async ({ customerId }) => {
        expect(refundsOf(customerId)).toEqual([[2_900, 'succeeded']]);
        await expectNothingKept(customerId);
      },
      leavesWork: true,
      namedUntilThen: NOT_COUNTED_YET,
    });
    expect(calls).toContain('POST /v1/refunds');
  });

  it('a second payment whose refund fails later, killed at any call, is refunded again exactly once', async () => {
    const { calls } = await everyCrash(crashes, {
      prepare: async () => {
        const customerId = await paidTwice();
        await money.deliver([newestEvent(customerId, 'payment_intent.succeeded')]);
        const [refund] = atStripe(money, customerId).refunds;
        await money.control(`refunds/${refund?.id}/answer`, { status: 'failed' });
        return { command: { kind: 'webhook', event: newest(customerId, 'refund.failed') }, customerId };
      },
      check: async ({ customerId }) => {
        expect(refundsOf(customerId)).toEqual([
          [2_900, 'failed'],
          [2_900, 'succeeded'],
        ]);
        await expectNothingKept(customerId);
      },
      leavesWork: true,
      namedUntilThen: /^(?:money short|double payment kept): |was not announced by fix/,
    });
    expect(calls).toContain('POST /v1/refunds');
  });
});

type PaidPeriod = { readonly invoice: string; readonly payment: string; readonly charge: string };

/** Ways to return the value of a paid period, the event of each, and the remaining credits of 65. */
const RETURNS: readonly {
  readonly name: string;
  readonly giveBack: (paid: PaidPeriod) => Promise<unknown>;
  readonly event: string;
  readonly left: number;
  readonly asks: string;
}[] = [
  {
    name: 'half of it refunded',
    giveBack: ({ payment }) => money.stripe.refunds.create({ payment_intent: payment, amount: 29_950 }),
    event: 'charge.refunded',
    left: 35,
    asks: 'GET /v1/refunds',
  },
  {
    name: 'withdrawn by a dispute',
    giveBack: ({ charge }) => money.control(`charges/${charge}/dispute`),
    event: 'charge.dispute.created',
    left: 5,
    asks: 'GET /v1/disputes',
  },
  {
    name: 'a third of it credited to the balance by a credit note',
    giveBack: ({ invoice }) =>
      money.stripe.creditNotes.create({ invoice, amount: 19_967, credit_amount: 19_967 }),
    event: 'credit_note.created',
    left: 45,
    asks: 'GET /v1/credit_notes',
  },
];

for (const { name, giveBack, event, left, asks } of RETURNS) {
  it(`taking back the credits of a period, ${name}, killed at any call, takes them once`, async () => {
    const { calls } = await everyCrash(crashes, {
      prepare: async () => {
        const { customerId } = await customerWithCard(money, 5);
        await subscribeToPro(money.deps, customerId, null);
        await giveBack(paidPeriodOf(customerId));
        return { command: { kind: 'webhook', event: newest(customerId, event) }, customerId };
      },
      check: async ({ customerId }) => {
        await expectSoundMoney(money, customerId);
        expect(await headOf(money.deps, customerId)).toMatchObject({ balance: left, debt: 0 });
      },
      namedUntilThen: /^returned and not taken back: /,
    });
    expect(calls.some((call) => call.startsWith(asks))).toBe(true);
  });
}

function paidPeriodOf(customerId: string): PaidPeriod {
  const { payments, invoices } = atStripe(money, customerId);
  const [payment, invoice] = [payments[0], invoices[0]];
  if (payment === undefined || invoice === undefined) throw new Error(`${customerId} paid nothing`);
  return { invoice: invoice.id, payment: payment.id, charge: String(payment.latest_charge) };
}
