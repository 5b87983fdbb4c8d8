import { adjustCredits } from '../../lib/operations/ledger/adjust-credits.ts';
import { parseEvent, type StripeEvent } from '../../lib/stripe/event.ts';
import { type Answer, api, call, fixBody, type SignedUp, signUp } from './http.ts';
import { headOf, type Money, openMoney } from './money.ts';
import { engineEndpoint, openTestTable } from './table.ts';

/**
 * Gives the functions of this test file a separate table and Stripe stand-in. Each function connects to
 * Stripe only once, so the whole file shares one stand-in. Call this before the first request.
 */
export async function serveMoney(): Promise<{ money: Money; stop: () => Promise<void> }> {
  const table = await openTestTable();
  let stop = async () => {};
  const money = await openMoney(table, {
    endWith: (end) => {
      stop = end;
    },
  });
  Object.assign(process.env, money.env, {
    TABLE_NAME: table.name,
    DYNAMODB_ENDPOINT: await engineEndpoint(),
  });
  return { money, stop: () => stop() };
}

export const addCard = (apiKey: string, paymentMethodId: string): Promise<Answer> =>
  call(api.addPaymentMethod, {
    apiKey,
    body: { payment_method_id: paymentMethodId, billing_consent: true },
  });

export const subscribe = (apiKey: string): Promise<Answer> =>
  call(api.subscribe, { apiKey, body: { plan: 'pro' } });

/** At the end of the paid period, unless `query` says otherwise. */
export const cancel = (apiKey: string, query: Record<string, string> = {}): Promise<Answer> =>
  call(api.cancelSubscription, { apiKey, query });

export const usage = async (apiKey: string): Promise<Answer['body']> =>
  (await call(api.getUsage, { apiKey })).body;

/** Records the fix of pull request `prNumber`. Returns the parameters for billing it. */
export async function recorded(apiKey: string, prNumber: number): Promise<{ id: string }> {
  const { body } = await call(api.recordFixAttempt, { apiKey, body: fixBody(prNumber) });
  return { id: String(body['id']) };
}

export const bill = (apiKey: string, params: { id: string }): Promise<Answer> =>
  call(api.billFixAttempt, { apiKey, params });

/** Leaves the customer exactly `credits` credits. */
export async function leaveCredits({ deps }: Money, customerId: string, credits: number): Promise<void> {
  const { balance, seq } = await headOf(deps, customerId);
  if (balance === credits) return;
  const adjustment = { reason: 'test', actor: 'tests', idempotencyKey: `at ${seq}` };
  await adjustCredits(deps, customerId, { ...adjustment, amount: credits - balance });
}

/** A customer with a card and no credits left. Only this customer uses the card. */
export async function customerOutOfCredits(money: Money, card?: string): Promise<SignedUp> {
  const customer = await signUp();
  await addCard(customer.apiKey, card ?? (await money.newCard()));
  await leaveCredits(money, customer.customerId, 0);
  return customer;
}

/** A Pro customer. Only this customer uses the card. */
export async function proCustomer(money: Money): Promise<SignedUp> {
  const customer = await signUp();
  await addCard(customer.apiKey, await money.newCard());
  const { status, text } = await subscribe(customer.apiKey);
  if (status !== 201) throw new Error(text);
  return customer;
}

/** A customer's objects at Stripe, newest first. */
export function atStripe({ double: { state } }: Money, customerId: string) {
  const customers = state.customers.newestFirst.filter(
    ({ metadata }) => metadata['customer_id'] === customerId,
  );
  const ids = new Set(customers.map(({ id }) => id));
  const ofThem = <T extends { customer: unknown }>(all: readonly T[]): T[] =>
    all.filter(({ customer }) => typeof customer === 'string' && ids.has(customer));
  const payments = ofThem(state.paymentIntents.newestFirst);
  return {
    customers,
    /** The only one. */
    get id(): string {
      const [only, ...more] = customers;
      if (only === undefined || more.length > 0) throw new Error(`${customers.length} Stripe customers`);
      return only.id;
    },
    payments,
    paid: payments.filter(({ status }) => status === 'succeeded').map(({ amount }) => amount),
    subscriptions: ofThem(state.subscriptions.newestFirst),
    invoices: ofThem(state.invoices.newestFirst),
    refunds: state.refunds.newestFirst.filter(({ payment_intent: intent }) =>
      payments.some(({ id }) => id === intent),
    ),
  };
}

/** Stripe's events about one customer, oldest first. Other customers use the same stand-in. */
export const eventsAbout = (money: Money, customerId: string): StripeEvent[] =>
  eventsNaming(money, [atStripe(money, customerId).id]);

/** Stripe's events that contain one of these ids, oldest first. */
export const eventsNaming = ({ double: { state } }: Money, ids: readonly string[]): StripeEvent[] =>
  state.events.newestFirst
    .map(textOf)
    .filter((text) => ids.some((id) => text.includes(id)))
    .toReversed()
    .map((text) => parseEvent(JSON.parse(text)))
    .filter((event) => event !== null);

/** Caches each event as text: a test file with thousands of events searches all of them for each customer. */
const texts = new WeakMap<object, string>();

function textOf(event: object): string {
  const text = texts.get(event) ?? JSON.stringify(event);
  texts.set(event, text);
  return text;
}

export const deliverAbout = (money: Money, customerId: string) =>
  money.deliver(eventsAbout(money, customerId));

/** The names of the calls that change something at Stripe while `work` runs. */
export async function changesAtStripe(
  { double: { calls } }: Money,
  work: () => Promise<unknown>,
): Promise<string[]> {
  const last = calls.all.at(-1);
  await work();
  return calls.all
    .slice(last === undefined ? 0 : calls.all.indexOf(last) + 1)
    .filter(({ method }) => method !== 'GET')
    .map(({ method, path }) => `${method} ${path.replace(/(cus|pm|pi|sub|in)_\w+/, ':id')}`);
}
