import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyLedger } from '../../../lib/domain/verify.ts';
import { applyEvent } from '../../../lib/operations/events/apply-event.ts';
import { billFixAttempt } from '../../../lib/operations/fixes/bill-fix-attempt.ts';
import { adjustCredits } from '../../../lib/operations/ledger/adjust-credits.ts';
import { readLedgerRecords } from '../../../lib/store/audit/audit.ts';
import { readEventRecord } from '../../../lib/store/events.ts';
import type { StripeEvent } from '../../../lib/stripe/event.ts';
import type { StripePort } from '../../../lib/stripe/port.ts';
import { recordedFix } from '../../support/customers.ts';
import { middlewareOf } from '../../support/documents.ts';
import { range } from '../../support/fixtures.ts';
import { deliverHolding } from '../../support/held-delivery.ts';
import {
  everyEnd,
  type Journey,
  type JourneyCustomer,
  Lane,
  outcomeOf,
  recordJourney,
} from '../../support/journey.ts';
import { customerWithCard, expectSoundMoney, headOf, type Money, openMoney } from '../../support/money.ts';
import { anotherClientOf, openTestTable } from '../../support/table.ts';

/* Stripe sends events in any order, twice, and late. The ledger always ends in the state of Stripe. */

const LANES = 3;
/**
 * `EVENT_ORDERS=10 npm test -- test/operations/events/event-order.test.ts` tries ten times as many random
 * orders.
 */
const SCALE = Number(process.env['EVENT_ORDERS'] ?? 1);
/** Events per journey in all random sequences. */
const SEQUENCED_EVENTS = 120 * SCALE;
const MAX_PERMUTED = 5;
const INTERLEAVINGS = 5 * SCALE;
const THIRD_OF_PRO_CENTS = 19_967;

interface Plot {
  readonly name: string;
  readonly card: string;
  readonly credits: number;
  /** Prepares what the ledger already contains. */
  readonly before?: (money: Money, who: JourneyCustomer) => Promise<void>;
  readonly steps: (money: Money, who: JourneyCustomer) => (() => Promise<unknown>)[];
  /** The final state, written without the code that produces it. */
  readonly ends: object;
}

const subscribe = ({ stripe, priceId }: Money, { customerId, stripeCustomerId: customer }: JourneyCustomer) =>
  stripe.subscriptions.create({
    customer,
    items: [{ price: priceId }],
    off_session: true,
    payment_behavior: 'error_if_incomplete',
    metadata: { purpose: 'pro', customer_id: customerId, attempt: '1' },
  });

const subscriptionOf = ({ double }: Money): string =>
  double.state.subscriptions.newestFirst[0]?.id ?? 'no subscription';

const newestCharge = ({ double }: Money): string => double.state.charges.newestFirst[0]?.id ?? 'no charge';

async function chargeOf({ stripe }: Money, paymentIntentId: string): Promise<string> {
  return String((await stripe.paymentIntents.retrieve(paymentIntentId)).latest_charge);
}

const firstCharge = ({ double }: Money): string => double.state.charges.newestFirst.at(-1)?.id ?? 'no charge';

/** Subscribes to Pro and removes the 60 granted credits, so that the plot's own credits remain. */
async function onPro(money: Money, who: JourneyCustomer): Promise<void> {
  await subscribe(money, who);
  await money.deliver();
  const back = { amount: -60, reason: 'test', actor: 'tests', idempotencyKey: 'first month' };
  await adjustCredits(money.deps, who.customerId, back);
}

async function useCard({ stripe }: Money, { stripeCustomerId: customer }: JourneyCustomer, card: string) {
  const { id } = await stripe.paymentMethods.attach(card, { customer });
  await stripe.customers.update(customer, { invoice_settings: { default_payment_method: id } });
}

const PLOTS: readonly Plot[] = [
  {
    name: 'subscribing, and the first renewal',
    card: 'pm_card_visa',
    credits: 3,
    steps: (money, who) => [() => subscribe(money, who), () => money.days(32)],
    ends: {
      profile: {
        balance: 123,
        debt: 0,
        subscriptionType: 'pro',
        subscription: { state: 'active', cancelAtPeriodEnd: false },
      },
    },
  },
  {
    name: 'two charges whose answer was lost: one the cardholder confirms, later refunded in part, one they do not',
    card: 'pm_card_authenticationRequired',
    credits: 0,
    steps: (money, who) => {
      const intents: string[] = [];
      const authenticate = (n: number, succeeds: boolean) => () =>
        money.control(`payment_intents/${intents[n]}/authenticate`, { succeeds });
      return [
        async () => {
          for (const pr of [1, 2]) {
            const fix = await recordedFix(money.deps, who.customerId, pr);
            money.double.faults.add({ path: '/v1/payment_intents', kind: 'drop_after', times: 9 });
            await expect(billFixAttempt(money.deps, who.customerId, fix)).rejects.toMatchObject({
              code: 'payment_pending',
            });
            money.double.faults.clear();
            intents.push(money.double.state.paymentIntents.newestFirst[0]?.id ?? '');
          }
        },
        authenticate(0, true),
        authenticate(1, false),
        async () =>
          money.stripe.refunds.create({ charge: await chargeOf(money, intents[0] ?? ''), amount: 900 }),
      ];
    },
    ends: {
      profile: { balance: 0, debt: 0, subscriptionType: 'pay_as_you_go', openDisputes: [] },
      fixes: expect.arrayContaining([
        expect.objectContaining({ paidBy: expect.stringMatching(/^pi_/), refundedCents: 900 }),
        expect.objectContaining({ paidBy: null, charge: [1, 'declined', expect.any(String)] }),
      ]),
    },
  },
  {
    name: 'a renewal that fails, past due, and paid with another card',
    card: 'pm_card_visa',
    credits: 4,
    before: onPro,
    steps: (money, who) => [
      async () => {
        await money.control('dunning', { retryAfterDays: [1, 3], finally: 'unpaid' });
        await useCard(money, who, 'pm_card_chargeCustomerFail');
      },
      () => money.days(31.5),
      () => useCard(money, who, 'pm_card_mastercard'),
      () => money.days(4),
    ],
    ends: {
      profile: { balance: 64, debt: 0, subscriptionType: 'pro', subscription: { state: 'active' } },
    },
  },
  {
    name: 'a cancellation with the period that is taken back',
    card: 'pm_card_visa',
    credits: 7,
    before: onPro,
    steps: (money) =>
      [true, false].map(
        (cancel) => () =>
          money.stripe.subscriptions.update(subscriptionOf(money), { cancel_at_period_end: cancel }),
      ),
    ends: {
      profile: { balance: 7, debt: 0, subscription: { state: 'active', cancelAtPeriodEnd: false } },
    },
  },
  {
    name: 'cancelled with the period, ended, and subscribed again',
    card: 'pm_card_visa',
    credits: 7,
    before: onPro,
    steps: (money, who) => [
      () => money.stripe.subscriptions.update(subscriptionOf(money), { cancel_at_period_end: true }),
      () => money.days(32),
      () => subscribe(money, who),
    ],
    ends: {
      profile: {
        balance: 67,
        debt: 0,
        subscriptionType: 'pro',
        subscription: { state: 'active', cancelAtPeriodEnd: false },
      },
    },
  },
  {
    name: 'Pro refunded in parts after its credits were spent, a renewal, and a dispute of that which is won',
    card: 'pm_card_visa',
    credits: 10,
    before: onPro,
    steps: (money) => {
      const refund = () =>
        money.stripe.refunds.create({ charge: firstCharge(money), amount: THIRD_OF_PRO_CENTS });
      let dispute = '';
      return [
        refund,
        refund,
        () => money.days(32),
        async () => {
          dispute = String((await money.control(`charges/${newestCharge(money)}/dispute`))['id']);
        },
        () => money.control(`disputes/${dispute}/close`, { status: 'won' }),
      ];
    },
    // 40 of the first month's credits are taken back: 10 from the balance, 30 from the second month's
    // credits.
    ends: { profile: { balance: 30, debt: 0, subscriptionType: 'pro', openDisputes: [] } },
  },
  {
    name: 'a refund that fails, and a dispute that is lost',
    card: 'pm_card_refundFail',
    credits: 25,
    before: onPro,
    steps: (money) => {
      let dispute = '';
      return [
        () => money.stripe.refunds.create({ charge: firstCharge(money), amount: 29_950 }),
        () => money.control('clock', { seconds: 90 }),
        async () => {
          dispute = String((await money.control(`charges/${firstCharge(money)}/dispute`))['id']);
        },
        () => money.control(`disputes/${dispute}/close`, { status: 'lost' }),
      ];
    },
    ends: { profile: { balance: 0, debt: 35, subscriptionType: 'pro', openDisputes: [] } },
  },
  {
    name: 'the card detached, the subscription cancelled, the customer deleted, and the payment disputed',
    card: 'pm_card_visa',
    credits: 61,
    steps: (money, who) => [
      () => subscribe(money, who),
      () => money.stripe.subscriptions.update(subscriptionOf(money), { cancel_at_period_end: true }),
      async () => {
        const [method] = (await money.stripe.customers.listPaymentMethods(who.stripeCustomerId)).data;
        await money.stripe.paymentMethods.detach(method?.id ?? '');
      },
      () => money.stripe.customers.del(who.stripeCustomerId),
      () => money.control(`charges/${firstCharge(money)}/dispute`),
    ],
    ends: {
      profile: {
        balance: 61,
        debt: 0,
        subscriptionType: 'pay_as_you_go',
        paymentMethodId: null,
        stripeCustomerId: null,
        openDisputes: [expect.stringMatching(/^du_/)],
      },
    },
  },
];

describe.each(PLOTS)('$name', ({ card, credits, before, steps, ends }) => {
  let money: Money;
  let who: JourneyCustomer;
  let journey: Journey;
  let lanes: readonly Lane[];
  /** The outcome if each event is delivered once, in order, as soon as Stripe sends it. */
  let usual: ReturnType<typeof outcomeOf>;
  let stopDouble = async () => {};

  beforeAll(async () => {
    const table = await openTestTable();
    money = await openMoney(table, {
      endWith: (stop) => {
        stopDouble = stop;
      },
    });
    who = await customerWithCard(money, credits, card);
    await before?.(money, who);
    journey = await recordJourney(money, who, steps(money, who));
    lanes = await Promise.all(Array.from({ length: LANES }, () => Lane.open(journey)));
    const [lane] = lanes;
    if (lane === undefined) throw new Error('no lane');
    usual = await play(
      lane,
      journey.sentEvents.map(({ event, step }) => ({ event, at: step })),
    );
  });
  afterAll(() => stopDouble());

  async function play(lane: Lane, deliveries: readonly Delivery[]) {
    await lane.set(journey.start);
    for (const { event, at } of deliveries) await lane.deliver(event, at);
    return soundOutcome(lane);
  }

  async function soundOutcome(lane: Lane) {
    const records = await readLedgerRecords(lane.deps.table, journey.customerId);
    expect(records && verifyLedger(records)).toEqual([]);
    return outcomeOf(await lane.contents(), journey);
  }

  it('the account ends as Stripe has it, read through the SDK after all events', async () => {
    await money.deliver(journey.sentEvents.map(({ event }) => event));
    await expectSoundMoney(money, who.customerId);
    expect(usual).toMatchObject(ends);
    const { balance, subscription, paymentMethodId } = await headOf(money.deps, who.customerId);
    expect(usual.profile).toMatchObject({ balance, subscription, paymentMethodId });
  });

  it('the account ends the same in every order of the events', async () => {
    const [first] = lanes;
    if (first === undefined) throw new Error('no lane');
    const applied = new Set(
      usual.events.filter(({ outcome }) => outcome === 'processed').map(({ eventId }) => eventId),
    );
    const events = journey.sentEvents.filter(({ event }) => applied.has(event.id)).map(({ event }) => event);
    const permuted = events.slice(-MAX_PERMUTED);
    await play(
      first,
      journey.sentEvents
        .filter(({ event }) => !permuted.includes(event))
        .map(({ event }) => ({ event, at: journey.lastStep })),
    );
    const tables = await everyEnd(journey, await first.contents(), permuted, lanes);
    for (const items of tables) {
      await first.set(items);
      expect(await soundOutcome(first)).toEqual(usual);
    }
  });

  it('the account ends the same however late and however often each event is delivered', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(someDeliveries(journey), { minLength: LANES, maxLength: LANES }),
        async (sequences) => {
          const outcomes = await Promise.all(lanes.map((lane, n) => play(lane, sequences[n] ?? [])));
          for (const outcome of outcomes) expect(outcome).toEqual(usual);
        },
      ),
      { numRuns: Math.ceil(SEQUENCED_EVENTS / journey.sentEvents.length / LANES) },
    );
  });

  it('the account ends the same however deliveries overlap, with each other and with changes at Stripe', async () => {
    const [lane] = lanes;
    if (lane === undefined) throw new Error('no lane');
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        await lane.set(journey.start);
        await overlapping(scheduler, lane, journey);
        expect(await soundOutcome(lane)).toEqual(usual);
      }),
      { numRuns: INTERLEAVINGS },
    );
  });
});

describe('one at a time:', () => {
  it('invoice.paid with invoice.payment_succeeded grants once', async () => {
    const { money, who } = await opened(5);
    await subscribe(money, who);
    const paid = newest(money, 'invoice.paid');
    const succeeded = newest(money, 'invoice.payment_succeeded');
    await Promise.all([succeeded, paid].map((event) => money.deliver([event])));
    expect(await readEventRecord(money.deps.table, succeeded.id)).toMatchObject({ outcome: 'ignored' });
    // Stripe may also create two events for one change.
    await money.deliver([succeeded, paid, { ...paid, id: `${paid.id}again` }]);
    expect((await headOf(money.deps, who.customerId)).balance).toBe(65);
    await expectSoundMoney(money, who.customerId);
  });

  it('a grant racing a consume loses neither', async () => {
    const { money, who } = await opened(10);
    const fixes = await Promise.all(range(1, 10).map((pr) => recordedFix(money.deps, who.customerId, pr)));
    await subscribe(money, who);
    const [outcomes] = await Promise.all([
      Promise.all(fixes.map((fix) => billFixAttempt(money.deps, who.customerId, fix))),
      ...range(1, 3).map(() => money.deliver([newest(money, 'invoice.paid')])),
    ]);
    expect(outcomes.map((one) => one.kind === 'billed' && one.billed.outcome)).toEqual(
      fixes.map(() => 'credit_consumed'),
    );
    const { entries } = await expectSoundMoney(money, who.customerId);
    expect((await headOf(money.deps, who.customerId)).balance).toBe(60);
    expect(entries.filter(({ source }) => source === 'pro_subscription_payment')).toHaveLength(1);
    expect(entries.filter(({ source }) => source === 'fix_deployed')).toHaveLength(10);
  });

  it('a late customer.subscription.created does not bring back a subscription that ended', async () => {
    const { money, who } = await opened(0);
    await subscribe(money, who);
    const created = newest(money, 'customer.subscription.created');
    expect(created.data.object).toMatchObject({ status: 'active' });
    await money.stripe.subscriptions.cancel(subscriptionOf(money));
    await money.deliver([newest(money, 'customer.subscription.deleted')]);
    await money.deliver([created]);
    expect(await headOf(money.deps, who.customerId)).toMatchObject({
      subscriptionType: 'pay_as_you_go',
      subscription: { id: subscriptionOf(money), state: 'canceled' },
    });
  });

  it('a deleted for an older subscription changes nothing', async () => {
    const { money, who } = await opened(0);
    await subscribe(money, who);
    const old = subscriptionOf(money);
    await money.deliver();
    await subscribe(money, who);
    await money.stripe.subscriptions.cancel(old);
    await money.deliver([newest(money, 'invoice.paid')]);
    await money.deliver([newest(money, 'customer.subscription.created')]);
    const before = await headOf(money.deps, who.customerId);
    expect(before.subscription).toMatchObject({ id: subscriptionOf(money), state: 'active' });
    const deleted = newest(money, 'customer.subscription.deleted');
    expect(deleted.data.object).toMatchObject({ id: old });
    expect(await money.deliver([deleted])).toMatchObject([{ outcome: 'processed' }]);
    expect(await headOf(money.deps, who.customerId)).toEqual({ ...before, revision: expect.any(Number) });
  });

  it('an older subscription that still gives Pro counts, even if a newer one has ended', async () => {
    const { money, who } = await opened(0);
    await subscribe(money, who);
    const kept = subscriptionOf(money);
    await subscribe(money, who);
    const newer = subscriptionOf(money);
    await money.stripe.subscriptions.cancel(newer);
    await money.deliver([newest(money, 'customer.subscription.deleted')]);
    expect(await headOf(money.deps, who.customerId)).toMatchObject({
      subscriptionType: 'pro',
      subscription: { id: kept, state: 'active' },
    });
  });
});

describe('an answer of Stripe that is out of date by the time it is written', () => {
  it('a stale read of Stripe is repeated if a newer event restored the earlier state: a withdrawn cancellation', async () => {
    const { money, who } = await opened(0);
    await subscribe(money, who);
    await money.deliver();
    await money.stripe.subscriptions.update(subscriptionOf(money), { cancel_at_period_end: true });
    const early = await deliverHolding(
      money.deps,
      newest(money, 'customer.subscription.updated'),
      'readAccount',
    );
    await money.stripe.subscriptions.update(subscriptionOf(money), { cancel_at_period_end: false });
    const late = await money.deliver([newest(money, 'customer.subscription.updated')]);
    expect(await early.release()).toMatchObject({ outcome: 'processed' });
    expect(late).toMatchObject([{ outcome: 'processed' }]);
    expect(await headOf(money.deps, who.customerId)).toMatchObject({
      subscription: { state: 'active', cancelAtPeriodEnd: false },
    });
  });

  it('a stale read of Stripe is repeated if a newer event restored the earlier state: a failed refund', async () => {
    const { money, who } = await opened(0, 'pm_card_refundFail');
    await subscribe(money, who);
    await money.deliver();
    await money.stripe.refunds.create({ charge: newestCharge(money) });
    // The first read finds the owner of the charge, the second the current state.
    const early = await deliverHolding(money.deps, newest(money, 'charge.refunded'), 'readReturnedMoney', 2);
    await money.control('clock', { seconds: 90 });
    const late = await money.deliver([newest(money, 'refund.failed')]);
    expect(await early.release()).toMatchObject({ outcome: 'processed' });
    expect(late).toMatchObject([{ outcome: 'processed' }]);
    expect(await headOf(money.deps, who.customerId)).toMatchObject({ balance: 60, debt: 0 });
    await expectSoundMoney(money, who.customerId);
  });
});

async function opened(credits: number, card = 'pm_card_visa') {
  const money = await openMoney(await openTestTable());
  return { money, who: await customerWithCard(money, credits, card) };
}

function newest(money: Money, type: string): StripeEvent {
  const event = money.events().findLast((one) => one.type === type);
  if (event === undefined) throw new Error(`no ${type}`);
  return event;
}

interface Delivery {
  readonly event: StripeEvent;
  /** The step of the journey that Stripe has reached by then. */
  readonly at: number;
}

/** Each event once or twice, at any time after Stripe sends it. */
function someDeliveries({ sentEvents, lastStep }: Journey): fc.Arbitrary<Delivery[]> {
  const comings = sentEvents.map(({ event, step }) =>
    fc.array(
      fc.record({
        event: fc.constant(event),
        at: fc.integer({ min: step, max: lastStep }),
        turn: fc.nat(1_000),
      }),
      { minLength: 1, maxLength: 2 },
    ),
  );
  return fc.tuple(...comings).map((times) => times.flat().sort((a, b) => a.at - b.at || a.turn - b.turn));
}

/**
 * Delivers each event as soon as Stripe sends it. The scheduler picks which call of the open deliveries goes
 * next, to the table or to Stripe, or whether the next step happens first.
 */
async function overlapping(scheduler: fc.Scheduler, lane: Lane, journey: Journey): Promise<void> {
  let step = 0;
  const stripe = waiting(
    scheduler,
    journey.stripeAfter(() => step),
  );
  const table = anotherClientOf(lane.deps.table);
  middlewareOf(table).add(
    (next, context) => (args) => inTurn(scheduler, String(context.commandName), () => next(args)),
    { step: 'initialize', priority: 'high', name: 'scheduled' },
  );
  const deps = { ...lane.deps, table, stripe: async () => stripe, sleep: async () => {} };
  const deliveries: Promise<unknown>[] = [];
  const happen = async () => {
    for (; step <= journey.lastStep; step += 1) {
      for (const sent of journey.sentEvents.filter((one) => one.step === step)) {
        deliveries.push(applyEvent(deps, sent.event));
      }
      if (step === journey.lastStep) break;
      await inTurn(scheduler, `step ${step + 1}`, async () => {});
    }
    await Promise.all(deliveries);
  };
  try {
    await scheduler.waitFor(happen());
  } finally {
    table.client.destroy();
    lane.forget();
  }
}

/** Runs `work` when the scheduler allows it. */
function inTurn<T>(scheduler: fc.Scheduler, label: string, work: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    scheduler.scheduleSequence([{ label, builder: () => work().then(resolve, reject) }]);
  });
}

function waiting(scheduler: fc.Scheduler, port: StripePort): StripePort {
  return new Proxy(port, {
    get: (target, name, receiver) => {
      const call: unknown = Reflect.get(target, name, receiver);
      if (typeof call !== 'function') return call;
      return (...args: unknown[]) => inTurn(scheduler, String(name), () => call.apply(target, args));
    },
  });
}
