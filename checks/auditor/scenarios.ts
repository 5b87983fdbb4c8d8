import { billFixAttempt } from '../../lib/operations/fixes/bill-fix-attempt.ts';
import { adjustCredits } from '../../lib/operations/ledger/adjust-credits.ts';
import { subscribeToPro } from '../../lib/operations/plans/subscribe-to-pro.ts';
import { keys } from '../../lib/store/keys.ts';
import { recordedFix } from '../../test/support/customers.ts';
import { customerWithCard, headOf, type Money } from '../../test/support/money.ts';
import { type Books, tamper } from '../../test/support/reconciliation.ts';

/*
 * Faults of comparable systems, each played as it happens at Stripe. Afterwards every event is delivered.
 * With today's rules the ledger is right. With the old rule patched in, the auditor must report the
 * difference.
 */

/** More days than any month has, so a monthly renewal is due. */
const MONTH = 32;

export interface Scene extends Books {
  /** Delivers all undelivered events, and continues after an event that fails. */
  deliverEvents(): Promise<void>;
}

interface Person {
  readonly customerId: string;
  readonly stripeCustomerId: string;
}

const FAILING = 'tok_chargeCustomerFail';

async function subscriber(scene: Scene): Promise<Person> {
  const person = await customerWithCard(scene, 0);
  await subscribeToPro(scene.deps, person.customerId, null);
  await scene.deliverEvents();
  return person;
}

async function newDefault({ stripe, newCard }: Scene, customer: string, token?: string): Promise<string> {
  const { id } = await stripe.paymentMethods.attach(await newCard(token), { customer });
  await stripe.customers.update(customer, { invoice_settings: { default_payment_method: id } });
  return id;
}

/** A subscriber with an open renewal invoice, because the card declines. */
async function withOpenRenewal(scene: Scene): Promise<Person & { readonly invoiceId: string }> {
  const person = await subscriber(scene);
  await newDefault(scene, person.stripeCustomerId, FAILING);
  await scene.deliverEvents();
  await scene.later(MONTH);
  await scene.deliverEvents();
  const { data } = await scene.stripe.invoices.list({ customer: person.stripeCustomerId, status: 'open' });
  const [open] = data;
  if (open === undefined) throw new Error('the renewal is not open');
  return { ...person, invoiceId: open.id };
}

async function pay(scene: Scene, customer: string, amount: number, card: string): Promise<string> {
  const { id } = await scene.stripe.paymentIntents.create({
    amount,
    currency: 'usd',
    customer,
    payment_method: card,
    confirm: true,
    off_session: true,
    allowed_payment_method_types: ['card'],
  });
  return id;
}

async function attachedCard({ stripe, newCard }: Scene, customer: string, token?: string): Promise<string> {
  return (await stripe.paymentMethods.attach(await newCard(token), { customer })).id;
}

/** A Pro subscription that a person creates in the dashboard. */
async function byHand(
  { stripe, priceId }: Scene,
  customer: string,
  more: Partial<Parameters<Money['stripe']['subscriptions']['create']>[0]> = {},
) {
  return stripe.subscriptions.create({ customer, items: [{ price: priceId }], off_session: true, ...more });
}

/** A fix paid by card, and a second payment that Stripe also made for this fix. */
async function paidTwice(scene: Scene): Promise<Person & { readonly second: string }> {
  const person = await customerWithCard(scene, 0);
  const { customerId, stripeCustomerId } = person;
  const fixId = await recordedFix(scene.deps, customerId, 1);
  const outcome = await billFixAttempt(scene.deps, customerId, fixId);
  if (outcome.kind !== 'billed') throw new Error(outcome.kind);
  await scene.deliverEvents();
  const card = await attachedCard(scene, stripeCustomerId);
  const { id } = await scene.stripe.paymentIntents.create({
    amount: 2_900,
    currency: 'usd',
    customer: stripeCustomerId,
    payment_method: card,
    confirm: true,
    off_session: true,
    allowed_payment_method_types: ['card'],
    metadata: { purpose: 'fix', customer_id: customerId, fix_attempt_id: fixId, attempt: '1' },
  });
  return { ...person, second: id };
}

const chargeOf = async ({ stripe }: Scene, intent: string): Promise<string> =>
  String((await stripe.paymentIntents.retrieve(intent)).latest_charge);

/** Scenarios by fault number. Each returns the customer to audit. */
export const SCENARIOS: Readonly<Record<number, (scene: Scene) => Promise<Person>>> = {
  1: async (scene) => {
    const { invoiceId, ...person } = await withOpenRenewal(scene);
    await scene.stripe.creditNotes.create({ invoice: invoiceId, amount: 59_900 });
    return person;
  },
  2: async (scene) => {
    const person = await subscriber(scene);
    for (let times = 0; times < 2; times++) {
      const { data } = await scene.stripe.subscriptions.list({ customer: person.stripeCustomerId });
      await scene.stripe.subscriptions.cancel(data[0]?.id ?? '', { prorate: true, invoice_now: true });
      await scene.deliverEvents();
      await subscribeToPro(scene.deps, person.customerId, null);
      await scene.deliverEvents();
    }
    return person;
  },
  3: async (scene) => {
    const person = await customerWithCard(scene, 0);
    await scene.stripe.invoiceItems.create({
      customer: person.stripeCustomerId,
      amount: 5_000,
      currency: 'usd',
      description: 'Setting up',
    });
    await byHand(scene, person.stripeCustomerId, { trial_period_days: 14 });
    return person;
  },
  4: async (scene) => {
    const person = await customerWithCard(scene, 0);
    await scene.control('switches', { trial_end_billing_reason: 'subscription_update' });
    const { id } = await byHand(scene, person.stripeCustomerId, { trial_period_days: 14 });
    await scene.deliverEvents();
    await scene.stripe.subscriptions.update(id, { trial_end: 'now' });
    return person;
  },
  5: async (scene) => {
    const person = await customerWithCard(scene, 0);
    await byHand(scene, person.stripeCustomerId, { items: [{ price: scene.priceId, quantity: 2 }] });
    return person;
  },
  6: async (scene) => {
    const person = await customerWithCard(scene, 0);
    const { product } = await scene.stripe.prices.retrieve(scene.priceId);
    const unknown = await scene.stripe.prices.create({
      product: String(product),
      unit_amount: 49_900,
      currency: 'usd',
      recurring: { interval: 'month' },
    });
    await byHand(scene, person.stripeCustomerId, { items: [{ price: unknown.id }] });
    return person;
  },
  7: async (scene) => {
    const { invoiceId, ...person } = await withOpenRenewal(scene);
    const card = await attachedCard(scene, person.stripeCustomerId);
    const intents: string[] = [];
    for (const amount of [30_000, 29_900]) {
      const intent = await pay(scene, person.stripeCustomerId, amount, card);
      await scene.stripe.invoices.attachPayment(invoiceId, { payment_intent: intent });
      intents.push(intent);
    }
    await scene.deliverEvents();
    for (const payment_intent of intents) {
      await scene.stripe.refunds.create({ payment_intent });
      await scene.deliverEvents();
    }
    return person;
  },
  8: async (scene) => {
    const person = await subscriber(scene);
    await byHand(scene, person.stripeCustomerId);
    return person;
  },
  10: async (scene) => {
    const person = await customerWithCard(scene, 0);
    await scene.deliverEvents();
    await newDefault(scene, person.stripeCustomerId);
    return person;
  },
  11: async (scene) => {
    const person = await subscriber(scene);
    const { data } = await scene.stripe.charges.list({ customer: person.stripeCustomerId });
    const charge = data[0]?.id ?? '';
    await scene.control(`charges/${charge}/dispute`, { inquiry: true });
    await scene.deliverEvents();
    const disputes = await scene.stripe.disputes.list({ charge });
    await scene.control(`disputes/${disputes.data[0]?.id}/escalate`);
    return person;
  },
  14: async (scene) => {
    await scene.control('dunning', { retryAfterDays: [3, 5], finally: 'past_due' });
    const person = await withOpenRenewal(scene);
    await scene.later(MONTH);
    await scene.deliverEvents();
    // A person writes the invoice off, so no card pays it later.
    const { stripeCustomerId: customer } = person;
    for await (const { id } of scene.stripe.invoices.list({ customer, status: 'open' }))
      await scene.stripe.invoices.markUncollectible(id);
    await scene.deliverEvents();
    await chargeAFix(scene, person);
    return person;
  },
  15: async (scene) => {
    const person = await subscriber(scene);
    const { data } = await scene.stripe.subscriptions.list({ customer: person.stripeCustomerId });
    await scene.stripe.subscriptions.update(data[0]?.id ?? '', { pause_collection: { behavior: 'void' } });
    await scene.deliverEvents();
    await scene.later(MONTH + 5);
    await scene.deliverEvents();
    await chargeAFix(scene, person);
    return person;
  },
  16: async (scene) => {
    const { second, ...person } = await paidTwice(scene);
    await scene.control('refunds/mode', { mode: 'pending' });
    await scene.deliverEvents();
    const { data } = await scene.stripe.refunds.list({ payment_intent: second });
    await scene.control(`refunds/${data[0]?.id}/answer`, { status: 'failed', reason: 'lost_or_stolen_card' });
    await scene.control('refunds/mode', { mode: 'normal' }).catch(() => ({}));
    return person;
  },
  17: async (scene) => {
    const { second, ...person } = await paidTwice(scene);
    const charge = await chargeOf(scene, second);
    await scene.control(`charges/${charge}/dispute`, {});
    return person;
  },
  18: async (scene) => {
    const { second, ...person } = await paidTwice(scene);
    await scene.stripe.refunds.create({ payment_intent: second, amount: 100 });
    // We request our own refund, and Stripe never answers.
    scene.double.faults.add({ method: 'POST', path: '/v1/refunds', kind: 'drop_before', times: 4 });
    return person;
  },
};

/** Charges a fix to a working card, with no credits left. */
async function chargeAFix(scene: Scene, { customerId, stripeCustomerId }: Person): Promise<void> {
  const { deps } = scene;
  const { balance } = await headOf(deps, customerId);
  if (balance > 0) {
    const none = { amount: -balance, reason: 'test', actor: 'checks', idempotencyKey: 'none left' };
    await adjustCredits(deps, customerId, none);
  }
  // The card is new, and its event is not delivered yet.
  const card = await newDefault(scene, stripeCustomerId);
  await tamper(scene, keys.head(customerId), 'payment_method_id', card);
  await billFixAttempt(deps, customerId, await recordedFix(deps, customerId, 99));
}
