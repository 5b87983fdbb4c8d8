import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { BillingError, PROBLEMS } from '../../../lib/errors.ts';
import { addPaymentMethod } from '../../../lib/operations/accounts/add-payment-method.ts';
import { applyEvent } from '../../../lib/operations/events/apply-event.ts';
import { replayEvent } from '../../../lib/operations/events/replay-event.ts';
import { billFixAttempt } from '../../../lib/operations/fixes/bill-fix-attempt.ts';
import { withStripe } from '../../../lib/runtime/connect-stripe.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import { type EventRecord, readEventRecord, recordEvent } from '../../../lib/store/events.ts';
import { type Table, writeTogether } from '../../../lib/store/table.ts';
import { parseEvent, type StripeEvent } from '../../../lib/stripe/event.ts';
import type { FaultInput } from '../../../local/stripe-double/faults.ts';
import { contentsOf } from '../../support/contents.ts';
import { recordedFix } from '../../support/customers.ts';
import { startFaultyEngine } from '../../support/faulty-engine.ts';
import { customerWith, range } from '../../support/fixtures.ts';
import { deliverHolding } from '../../support/held-delivery.ts';
import { customerWithCard, expectSoundMoney, headOf, type Money, openMoney } from '../../support/money.ts';
import { parkedOf } from '../../support/parked-events.ts';
import { engineEndpoint, openTestTable, testDeps, throughSdk } from '../../support/table.ts';

/*
 * The outcome of an accepted event: processed, ignored, or parked for a person. An event that is not accepted
 * leaves no trace, and Stripe resends it.
 */

let table: Table;
beforeEach(async () => {
  table = await openTestTable();
});

const MANY = 9;

function newest(money: Money, type: string): StripeEvent {
  const event = money.events().findLast((one) => one.type === type);
  if (event === undefined) throw new Error(`no ${type}`);
  return event;
}

/** The event with these changes. */
function altered(event: StripeEvent, changes: Record<string, unknown>): StripeEvent {
  const changed = parseEvent({ ...event, id: `${event.id}x`, ...changes });
  if (changed === null) throw new Error('no event any more');
  return changed;
}

const subscribe = ({ stripe, priceId }: Money, customer: string) =>
  stripe.subscriptions.create({
    customer,
    items: [{ price: priceId }],
    off_session: true,
    payment_behavior: 'error_if_incomplete',
  });

async function parkedIds({ deps }: Money): Promise<string[]> {
  return (await parkedOf(deps.table, deps.now())).map(({ eventId }) => eventId);
}

async function expectParked(money: Money, event: StripeEvent, why: RegExp): Promise<void> {
  expect(await applyEvent(money.deps, event)).toMatchObject({
    outcome: 'parked',
    reason: expect.stringMatching(why),
  });
  expect(await parkedIds(money)).toContain(event.id);
  expect(await readEventRecord(table, event.id)).toMatchObject({ outcome: 'parked', type: event.type });
}

/** Expects the event to be the only new item in the table. */
async function expectNoTraceBut(event: StripeEvent, work: () => Promise<unknown>): Promise<void> {
  const all = async () => (await contentsOf(table)).filter(({ event_id: id }) => id !== event.id);
  const before = await all();
  await work();
  expect(await all()).toEqual(before);
}

describe('events that are parked', () => {
  it('parked events are listed however many are older', async () => {
    const own = await openTestTable();
    const at = (n: number) => new Date(Date.parse('2026-01-02T00:00:00.000Z') + n * 1_000);
    const ids = range(1, 250).map((n) => `evt_${n}`);
    for (const [n, eventId] of ids.entries()) {
      const record: EventRecord = {
        ...{ eventId, type: 'invoice.paid', outcome: 'parked', reason: 'for a test' },
        ...{ customerId: null, objectId: null, amount: null, currency: null, createdAt: at(n).toISOString() },
        receivedAt: at(n).toISOString(),
      };
      await writeTogether(own, [recordEvent(record)]);
    }
    expect((await parkedOf(own, at(1_000))).map(({ eventId }) => eventId)).toEqual(ids);
    expect((await parkedOf(own, at(199))).map(({ eventId }) => eventId)).toEqual(ids.slice(0, 200));
  });
});

describe('an event that cannot be applied is parked, and applied by a replay:', () => {
  it('an event of an unknown customer is parked, and applied by a replay after the customer is known', async () => {
    const money = await openMoney(table);
    const { head } = await customerWith(money.deps, 5);
    const { customerId, name, email } = head;
    // As after a crash: the customer exists at Stripe, but no binding is stored.
    const order = { customerId, name, email, former: null };
    const stripeCustomerId = await (await money.deps.stripe()).createCustomer(order);
    const { id: card } = await money.stripe.paymentMethods.attach(await money.newCard(), {
      customer: stripeCustomerId,
    });
    await money.stripe.customers.update(stripeCustomerId, {
      invoice_settings: { default_payment_method: card },
    });
    await subscribe(money, stripeCustomerId);
    const events = ['invoice.paid', 'customer.subscription.created'].map((type) => newest(money, type));
    for (const event of events) {
      await expectNoTraceBut(event, () => expectParked(money, event, /^no customer is known for cus_/));
    }
    for (const { id } of events)
      expect(await replayEvent(money.deps, id)).toMatchObject({ outcome: 'parked' });

    await addPaymentMethod(money.deps, head, await money.newCard());
    for (const { id } of events) {
      expect(await replayEvent(money.deps, id)).toMatchObject({ outcome: 'processed', customerId });
      expect(await replayEvent(money.deps, id)).toMatchObject({ outcome: 'duplicate' });
    }
    expect(await parkedIds(money)).toEqual([]);
    expect(await headOf(money.deps, customerId)).toMatchObject({ balance: 70, subscriptionType: 'pro' });
    await expectSoundMoney(money, customerId);
  });

  it('a parked event that Stripe sends again after the customer is known is applied automatically', async () => {
    const money = await openMoney(table);
    const { stripeCustomerId } = await customerWithCard(money, 0);
    const unbound = await money.stripe.customers.create({ metadata: { customer_id: 'c1' } });
    const stranger = altered(newest(money, 'customer.updated'), {
      type: 'customer.deleted',
      data: { object: { id: unbound.id, object: 'customer' } },
    });
    await expectParked(money, stranger, new RegExp(`no customer is known for ${unbound.id}`));
    const known = { ...stranger, data: { object: { id: stripeCustomerId, object: 'customer' } } };
    expect(await applyEvent(money.deps, known)).toMatchObject({ outcome: 'processed' });
    expect(await parkedIds(money)).not.toContain(stranger.id);
  });

  it('an event in another API version is parked, and applied by a replay', async () => {
    const money = await openMoney(table);
    const { customerId, stripeCustomerId } = await customerWithCard(money, 0);
    await subscribe(money, stripeCustomerId);
    for (const version of ['2025-09-30.clover', '2026-10-28.endive.preview', null]) {
      const event = altered(newest(money, 'invoice.paid'), {
        id: `evt_${version?.replace(/\W/g, '') ?? 'none'}`,
        api_version: version,
      });
      await expectNoTraceBut(event, () => expectParked(money, event, /API version/));
    }
    const stored = money.double.state.events.find(newest(money, 'invoice.paid').id);
    if (stored === undefined) throw new Error('the double lost an event');
    stored.api_version = '2025-09-30.clover';
    await expectParked(money, newest(money, 'invoice.paid'), /2025-09-30\.clover/);
    expect(await replayEvent(money.deps, stored.id)).toMatchObject({ outcome: 'processed', customerId });
    expect((await headOf(money.deps, customerId)).balance).toBe(60);
    await expectSoundMoney(money, customerId);
  });

  it.each([
    ['not an object', 'invoice.paid', 'in_1'],
    ['without an id', 'invoice.paid', { object: 'invoice', customer: 'cus_1' }],
    ['an invoice without a customer', 'invoice.paid', { id: 'in_1', customer: null }],
    ['a subscription of nobody', 'customer.subscription.updated', { id: 'sub_1' }],
    ['a refund of no charge', 'refund.failed', { id: 're_1', charge: null }],
    ['a dispute of no charge', 'charge.dispute.created', { id: 'du_1' }],
  ])('an event whose object has an unknown shape is parked: %s', async (_, type, object) => {
    const money = await openMoney(table);
    await customerWithCard(money, 0);
    const event = altered(newest(money, 'customer.updated'), { type, data: { object } });
    await expectNoTraceBut(event, () => expectParked(money, event, /shape/));
  });

  it('an event naming an object that Stripe does not have is parked, and applied by a replay', async () => {
    const money = await openMoney(table);
    const { stripeCustomerId } = await customerWithCard(money, 0);
    const event = altered(newest(money, 'customer.updated'), {
      type: 'invoice.paid',
      data: { object: { id: 'in_nowhere', customer: stripeCustomerId } },
    });
    await expectNoTraceBut(event, () => expectParked(money, event, /Stripe does not have/));
  });

  it("an event that pays for an unrecorded fix, or for another customer's fix, is parked", async () => {
    const money = await openMoney(table);
    const [alice, mallory] = [await customerWithCard(money, 0), await customerWithCard(money, 0)];
    const fixId = await recordedFix(money.deps, alice.customerId, 1);
    const pay = async (metadata: { customer_id: string; fix_attempt_id: string }) => {
      const { data } = await money.stripe.customers.listPaymentMethods(mallory.stripeCustomerId);
      await money.stripe.paymentIntents.create({
        amount: 100,
        currency: 'usd',
        customer: mallory.stripeCustomerId,
        payment_method: data[0]?.id ?? '',
        off_session: true,
        confirm: true,
        allowed_payment_method_types: ['card'],
        metadata: { ...metadata, purpose: 'fix', attempt: '1' },
      });
      return newest(money, 'payment_intent.succeeded');
    };
    const unknown = await pay({ customer_id: mallory.customerId, fix_attempt_id: 'f'.repeat(32) });
    await expectNoTraceBut(unknown, () => expectParked(money, unknown, /not recorded/));
    const foreign = await pay({ customer_id: alice.customerId, fix_attempt_id: fixId });
    await expectNoTraceBut(foreign, () => expectParked(money, foreign, /another customer/));
    await money.stripe.refunds.create({ payment_intent: String(objectId(foreign)) });
    const refunded = newest(money, 'charge.refunded');
    await expectNoTraceBut(refunded, () => expectParked(money, refunded, /another customer/));
  });

  it('an event naming a customer who does not own its invoice is parked', async () => {
    const money = await openMoney(table);
    const [alice, mallory] = [await customerWithCard(money, 0), await customerWithCard(money, 0)];
    await subscribe(money, alice.stripeCustomerId);
    const paid = newest(money, 'invoice.paid');
    const { object } = paid.data;
    if (typeof object !== 'object' || object === null) throw new Error('no invoice');
    const foreign = altered(paid, { data: { object: { ...object, customer: mallory.stripeCustomerId } } });
    await expectNoTraceBut(foreign, () => expectParked(money, foreign, /another customer/));
  });
});

const objectId = ({ data: { object } }: StripeEvent): unknown =>
  typeof object === 'object' && object !== null && 'id' in object ? object.id : undefined;

describe('an event that changes nothing here is ignored, and recorded:', () => {
  it.each(['invoice.payment_succeeded', 'charge.succeeded', 'payment_intent.succeeded'])(
    'an event without effect is ignored: %s of a Pro invoice',
    async (type) => {
      const money = await openMoney(table);
      const { customerId, stripeCustomerId } = await customerWithCard(money, 3);
      await subscribe(money, stripeCustomerId);
      const event = newest(money, type);
      await expectNoTraceBut(event, async () => {
        expect(await applyEvent(money.deps, event)).toMatchObject({ outcome: 'ignored' });
      });
      expect(await readEventRecord(table, event.id)).toMatchObject({ outcome: 'ignored' });
      expect((await headOf(money.deps, customerId)).balance).toBe(3);
    },
  );

  it('an event of an unknown type is ignored, whatever its object is', async () => {
    const money = await openMoney(table);
    await customerWithCard(money, 0);
    const event = altered(newest(money, 'customer.updated'), {
      type: 'treasury.dragon.awoke',
      api_version: '2031-01-01.unheard',
      data: { object: 7 },
    });
    await expectNoTraceBut(event, async () => {
      expect(await applyEvent(money.deps, event)).toMatchObject({ outcome: 'ignored' });
    });
  });
});

/** One way to cause each kind of event, and the Stripe call that precedes its application. */
const KINDS = [
  {
    type: 'invoice.paid',
    question: 'readInvoiceReach',
    paths: ['/v1/invoices/*'],
    make: async (money, { stripeCustomerId }) => void (await subscribe(money, stripeCustomerId)),
  },
  {
    type: 'customer.subscription.created',
    question: 'readAccount',
    paths: ['/v1/customers/*', '/v1/subscriptions'],
    make: async (money, { stripeCustomerId }) => void (await subscribe(money, stripeCustomerId)),
  },
  {
    type: 'payment_intent.succeeded',
    question: 'readFixPayment',
    paths: ['/v1/payment_intents/*'],
    make: async (money, { customerId }) => {
      const fixId = await recordedFix(money.deps, customerId, 1);
      money.double.faults.add({ path: '/v1/payment_intents', kind: 'drop_after', times: MANY });
      await expect(billFixAttempt(money.deps, customerId, fixId)).rejects.toThrow();
      money.double.faults.clear();
    },
  },
  {
    type: 'charge.refunded',
    question: 'readReturnedMoney',
    paths: ['/v1/charges/*', '/v1/refunds', '/v1/disputes', '/v1/invoice_payments', '/v1/invoices/*'],
    make: async (money, { stripeCustomerId }) => {
      await subscribe(money, stripeCustomerId);
      const charge = money.double.state.charges.newestFirst[0]?.id ?? '';
      await money.stripe.refunds.create({ charge, amount: 29_950 });
    },
  },
] as const satisfies readonly {
  type: string;
  question: 'readInvoiceReach' | 'readAccount' | 'readFixPayment' | 'readReturnedMoney';
  paths: readonly string[];
  make: (money: Money, who: { customerId: string; stripeCustomerId: string }) => Promise<void>;
}[];

/** The contents without attributes that change with every delivery, whatever its outcome. */
const contentsBut = async (...names: string[]) =>
  (await contentsOf(table)).map((item) =>
    Object.fromEntries(Object.entries(item).filter(([name]) => !names.includes(name))),
  );

describe.each(KINDS)('$type', ({ type, question, paths, make }) => {
  async function opened(): Promise<{ money: Money; event: StripeEvent; customerId: string }> {
    const money = await openMoney(table);
    const who = await customerWithCard(money, 0);
    await make(money, who);
    return { money, event: newest(money, type), customerId: who.customerId };
  }

  /**
   * Expects that the event is not accepted: Stripe gets a 5xx and the table is unchanged. A redelivery is
   * applied.
   */
  async function expectOnlyRedelivered(
    { money, event, customerId }: Awaited<ReturnType<typeof opened>>,
    failing: PaymentDeps,
    code: string,
  ): Promise<void> {
    const before = await contentsOf(table);
    const error: unknown = await applyEvent(failing, event).catch((thrown: unknown) => thrown);
    if (!(error instanceof BillingError)) throw new Error('it was applied, or failed in another way');
    expect(error.code).toBe(code);
    expect(PROBLEMS[error.code].status).toBeGreaterThanOrEqual(500);
    expect(await contentsOf(table)).toEqual(before);
    money.double.faults.clear();
    const again = await applyEvent(money.deps, event);
    expect(again).toMatchObject({ outcome: expect.stringMatching(/^(processed|duplicate)$/), customerId });
    await expectApplied(money, customerId);
  }

  async function expectApplied(money: Money, customerId: string): Promise<void> {
    if (type !== 'customer.subscription.created') {
      await expectSoundMoney(money, customerId);
      return;
    }
    expect(await headOf(money.deps, customerId)).toMatchObject({ subscription: { state: 'active' } });
  }

  it('an event that is delivered again is a duplicate and changes nothing', async () => {
    const { money, event, customerId } = await opened();
    expect(await applyEvent(money.deps, event)).toMatchObject({ outcome: 'processed', customerId });
    const before = await contentsOf(table);
    for (const deliver of [applyEvent(money.deps, event), replayEvent(money.deps, event.id)]) {
      expect(await deliver).toMatchObject({ outcome: 'duplicate', customerId });
    }
    expect(await contentsOf(table)).toEqual(before);
    await expectApplied(money, customerId);
  });

  it('an event that is delivered twice concurrently has one effect', async () => {
    const { money, event, customerId } = await opened();
    const outcomes = await Promise.all([1, 2, 3, 4].map(() => applyEvent(money.deps, event)));
    expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual([
      'duplicate',
      'duplicate',
      'duplicate',
      'processed',
    ]);
    await expectApplied(money, customerId);
  });

  it('an event that another delivery overtakes has its effect only from that delivery', async () => {
    const { money, event, customerId } = await opened();
    const slow = await deliverHolding(money.deps, event, question);
    expect(await applyEvent(money.deps, event)).toMatchObject({ outcome: 'processed' });
    const before = await contentsBut('revision');
    expect(await slow.release()).toMatchObject({ outcome: 'duplicate' });
    expect(await contentsBut('revision')).toEqual(before);
    await expectApplied(money, customerId);
  });

  const kinds = ['500_before', '429', 'drop_before'] as const satisfies FaultInput['kind'][];
  it.each(paths.flatMap((path) => kinds.map((kind) => ({ path, kind }))))(
    'an event is sent again if Stripe answers $path with $kind',
    async ({ path, kind }) => {
      const setting = await opened();
      setting.money.double.faults.add({ method: 'GET', path, kind, times: MANY });
      await expectOnlyRedelivered(setting, setting.money.deps, 'payments_unavailable');
    },
  );

  it('an event is sent again if our API key is no longer valid', async () => {
    const setting = await opened();
    const wrong = { ...setting.money.env, STRIPE_SECRET_KEY: 'sk_test_revoked' };
    await expectOnlyRedelivered(setting, withStripe(testDeps(table), wrong), 'payments_misconfigured');
  });

  it.each([
    ['the first call', 'BatchGetItem', 'before'],
    ['the write', 'TransactWriteItems', 'before'],
  ] as const)('an event is sent again if the table does not answer %s', async (_, operation, when) => {
    const setting = await opened();
    const { deps, engine } = await throughFaultyEngine(setting.money);
    engine.fail({ operation, when, times: MANY });
    await expectOnlyRedelivered(setting, deps, 'ledger_unavailable');
  });

  it('an event whose write succeeded but whose response was lost counts once when it is sent again', async () => {
    const { money, event, customerId } = await opened();
    const { deps, engine } = await throughFaultyEngine(money);
    engine.fail({ operation: 'TransactWriteItems', when: 'after', times: MANY });
    await expect(applyEvent(deps, event)).rejects.toMatchObject({ code: 'ledger_unavailable' });
    const again = await applyEvent(money.deps, event);
    expect(again).toMatchObject({ outcome: expect.stringMatching(/^(processed|duplicate)$/), customerId });
    await expectApplied(money, customerId);
  });

  it('an event whose write succeeded but whose response was lost once is processed', async () => {
    const { money, event, customerId } = await opened();
    const { deps, engine } = await throughFaultyEngine(money);
    engine.fail({ operation: 'TransactWriteItems', when: 'after', times: 1 });
    expect(await applyEvent(deps, event)).toMatchObject({ outcome: 'processed', customerId });
    await expectApplied(money, customerId);
  });
});

it('without a table every event is sent again, also ignored and parked ones', async () => {
  const money = await openMoney(table);
  await customerWithCard(money, 0);
  const nowhere = await throughSdk(table, 'http://127.0.0.1:1');
  const event = newest(money, 'customer.updated');
  for (const type of ['customer.deleted', 'customer.created', 'charge.refunded']) {
    await expect(applyEvent({ ...money.deps, table: nowhere }, { ...event, type })).rejects.toMatchObject({
      code: 'ledger_unavailable',
    });
  }
  expect(await readEventRecord(table, event.id)).toBeNull();
});

async function throughFaultyEngine({ deps }: Money) {
  const engine = await startFaultyEngine(await engineEndpoint());
  onTestFinished(() => engine.close());
  const faulty = await throughSdk(table, engine.endpoint);
  return { deps: { ...deps, table: faulty }, engine };
}
