import type Stripe from 'stripe';
import type { World } from '../world.ts';
import { type Deed, oneOf } from './deed.ts';

/*
 * Actions of staff in Stripe's dashboard other than refunds: credit notes, seats, second subscriptions,
 * pauses, balances and cards. The service receives events.
 */

const DAY_SECONDS = 24 * 60 * 60;

const hasEnded = ({ status }: Stripe.Subscription): boolean =>
  status === 'canceled' || status === 'incomplete_expired';

const liveOf = (world: World): Stripe.Subscription[] => {
  const ours = new Set(ourCustomers(world).map(({ id }) => id));
  return world.double.state.subscriptions.newestFirst.filter(
    (one) => !hasEnded(one) && ours.has(customerIdOf(one)),
  );
};

const customerIdOf = ({ customer }: { readonly customer: unknown }): string => String(customer);

/** Credits a paid invoice in full or in part, and returns the value in one of three ways. */
export const creditNote: Deed = async ({ double, dashboard }, random) => {
  const invoice = oneOf(
    random,
    double.state.invoices.newestFirst.filter(({ status, total }) => status === 'paid' && total > 0),
  );
  if (invoice === undefined) return null;
  const amount = random.chance(0.4) ? invoice.total : random.int(1, invoice.total);
  const way = random.pick(['credit_amount', 'refund_amount', 'out_of_band_amount'] as const);
  const { id } = await dashboard.creditNotes.create({
    invoice: invoice.id,
    amount,
    [way]: amount,
    email_type: 'none',
  });
  return `${id}: ${amount} of ${invoice.id} as ${way}`;
};

/** Credits an open invoice. A credit of the whole amount closes the invoice. */
export const creditOpenInvoice: Deed = async ({ double, dashboard }, random) => {
  const invoice = oneOf(
    random,
    double.state.invoices.newestFirst.filter(
      ({ status, amount_remaining: open }) => status === 'open' && open > 0,
    ),
  );
  if (invoice === undefined) return null;
  const amount = random.chance(0.6) ? invoice.amount_remaining : random.int(1, invoice.amount_remaining);
  const { id } = await dashboard.creditNotes.create({ invoice: invoice.id, amount, email_type: 'none' });
  return `${id}: ${amount} of ${invoice.id}, which is open`;
};

/**
 * Voids a credit note of an open invoice, because Stripe voids no others. Creates the note if none exists.
 */
export const voidCreditNote: Deed = async (world, random) => {
  const { state } = world.double;
  const open = state.invoices.newestFirst.filter(
    ({ status, amount_remaining: left }) => status === 'open' && left > 1,
  );
  const invoice = oneOf(random, open);
  if (invoice === undefined) return null;
  const written = state.creditNotes.newestFirst.find(
    (note) => note.status === 'issued' && note.invoice === invoice.id,
  );
  const amount = random.int(1, invoice.amount_remaining - 1);
  const note =
    written ??
    (await world.dashboard.creditNotes.create({ invoice: invoice.id, amount, email_type: 'none' }));
  await world.dashboard.creditNotes.voidCreditNote(note.id);
  return note.id;
};

const PRORATIONS = ['create_prorations', 'always_invoice', 'none'] as const;

export const changeSeats: Deed = async (world, random) => {
  const one = oneOf(random, liveOf(world));
  const [item] = one?.items.data ?? [];
  if (one === undefined || item === undefined) return null;
  const quantity = random.int(1, 3);
  const proration = random.pick(PRORATIONS);
  await world.dashboard.subscriptions.update(one.id, {
    items: [{ id: item.id, quantity }],
    proration_behavior: proration,
  });
  return `${one.id} has ${quantity} seats, ${proration}`;
};

/** Ends a subscription now and credits the unused time. */
export const cancelWithCredit: Deed = async (world, random) => {
  const one = oneOf(random, liveOf(world));
  if (one === undefined) return null;
  const invoiceNow = random.chance(0.8);
  await world.dashboard.subscriptions.cancel(one.id, { prorate: true, invoice_now: invoiceNow });
  return `${one.id}, ${invoiceNow ? 'invoiced now' : 'left pending'}`;
};

/** Cancels on a date months ahead or at the end of the period, or withdraws the cancellation. */
export const setCancelDate: Deed = async (world, random) => {
  const one = oneOf(random, liveOf(world));
  if (one === undefined) return null;
  const way = random.pick(['far', 'period_end', 'flag', 'undo'] as const);
  const end = one.items.data[0]?.current_period_end ?? 0;
  const params = {
    far: { cancel_at: end + 100 * DAY_SECONDS },
    period_end: { cancel_at: end },
    flag: { cancel_at_period_end: true },
    undo: { cancel_at: '' as const },
  }[way];
  await world.dashboard.subscriptions.update(one.id, params);
  return `${one.id} ${way}`;
};

export const pauseCollection: Deed = async (world, random) => {
  const one = oneOf(random, liveOf(world));
  if (one === undefined) return null;
  const isPaused = one.pause_collection !== null;
  if (isPaused && random.chance(0.6)) return null;
  const behavior = random.pick(['void', 'mark_uncollectible', 'keep_as_draft'] as const);
  await world.dashboard.subscriptions.update(one.id, { pause_collection: isPaused ? '' : { behavior } });
  return `${one.id} ${isPaused ? 'collects again' : `paused: ${behavior}`}`;
};

/** Makes a Pro subscription in the dashboard, which may be the customer's second. */
export const subscribeByHand: Deed = async (world, random) => {
  const { double, dashboard } = world;
  const customer = oneOf(random, ourCustomers(world));
  const [price] = double.state.prices.newestFirst.filter(({ metadata }) => metadata['plan'] === 'pro');
  if (customer === undefined || price === undefined) return null;
  const items = [{ price: price.id, quantity: random.int(1, 2) }];
  // Mostly staff first adds a card, with the customer on the phone.
  if (random.chance(0.6)) {
    const { id: card } = await dashboard.paymentMethods.attach('pm_card_visa', { customer: customer.id });
    await dashboard.customers.update(customer.id, { invoice_settings: { default_payment_method: card } });
  }
  if (random.chance(0.3)) {
    const sent = { collection_method: 'send_invoice', days_until_due: 7 } as const;
    const { id, latest_invoice: invoice } = await dashboard.subscriptions.create({
      customer: customer.id,
      items,
      ...sent,
    });
    await dashboard.invoices.finalizeInvoice(String(invoice));
    return `${id} of ${customer.id} has invoices that are sent`;
  }
  const { id, status } = await dashboard.subscriptions.create({
    customer: customer.id,
    items,
    payment_behavior: random.pick(['allow_incomplete', 'default_incomplete', 'error_if_incomplete'] as const),
  });
  return `${id} of ${customer.id} is ${status}`;
};

/** Pays an open invoice with one or two manual partial payments. */
export const payInParts: Deed = async (world, random) => {
  const { double, dashboard } = world;
  const invoice = oneOf(
    random,
    double.state.invoices.newestFirst.filter(
      ({ status, amount_remaining: open }) => status === 'open' && open > 1_000,
    ),
  );
  if (invoice === undefined) return null;
  const first = random.int(100, invoice.amount_remaining - 100);
  const parts = random.chance(0.7) ? [first, invoice.amount_remaining - first] : [first];
  for (const amount of parts) {
    const intent = await dashboard.paymentIntents.create({
      amount,
      currency: invoice.currency,
      customer: customerIdOf(invoice),
      payment_method: 'pm_card_visa',
      confirm: true,
      off_session: true,
      allowed_payment_method_types: ['card'],
    });
    await dashboard.invoices.attachPayment(invoice.id, { payment_intent: intent.id });
  }
  return `${parts.join(' + ')} of ${invoice.id}`;
};

/** Pays an open invoice, or marks it as paid outside Stripe, uncollectible or void. */
export const settleInvoice: Deed = async ({ double, dashboard }, random) => {
  const invoice = oneOf(
    random,
    double.state.invoices.newestFirst.filter(({ status }) => status === 'open' || status === 'uncollectible'),
  );
  if (invoice === undefined) return null;
  const way = random.pick(['pay', 'out_of_band', 'uncollectible', 'void'] as const);
  switch (way) {
    case 'pay':
      await dashboard.invoices.pay(invoice.id);
      break;
    case 'out_of_band':
      await dashboard.invoices.pay(invoice.id, { paid_out_of_band: true });
      break;
    case 'uncollectible':
      await dashboard.invoices.markUncollectible(invoice.id);
      break;
    case 'void':
      await dashboard.invoices.voidInvoice(invoice.id);
      break;
    default:
      way satisfies never;
  }
  return `${invoice.id} ${way}`;
};

export const adjustBalance: Deed = async (world, random) => {
  const customer = oneOf(random, ourCustomers(world));
  if (customer === undefined) return null;
  const amount = random.pick([-59_900, -20_000, -1_000, 1_000]);
  await world.dashboard.customers.createBalanceTransaction(customer.id, { amount, currency: 'usd' });
  return `${amount} to ${customer.id}`;
};

/** Changes or removes the default card. */
export const changeDefaultCard: Deed = async (world, random) => {
  const { dashboard } = world;
  const customer = oneOf(random, ourCustomers(world));
  if (customer === undefined) return null;
  if (random.chance(0.3)) {
    await dashboard.customers.update(customer.id, { invoice_settings: { default_payment_method: '' } });
    return `${customer.id} has no default card`;
  }
  const card = random.pick(['pm_card_visa', 'pm_card_mastercard', 'pm_card_chargeCustomerFail'] as const);
  const { id } = await dashboard.paymentMethods.attach(card, { customer: customer.id });
  await dashboard.customers.update(customer.id, { invoice_settings: { default_payment_method: id } });
  return `${customer.id} pays with ${card}`;
};

/** Sets the subscription's own card, which takes precedence over the customer's. */
export const setOwnCard: Deed = async (world, random) => {
  const one = oneOf(random, liveOf(world));
  if (one === undefined) return null;
  const card = random.pick(['pm_card_visa', 'pm_card_chargeCustomerFail'] as const);
  const { id } = await world.dashboard.paymentMethods.attach(card, { customer: customerIdOf(one) });
  await world.dashboard.subscriptions.update(one.id, { default_payment_method: id });
  return `${one.id} pays with ${card}`;
};

/** Sells another product of the company. The service must ignore it. */
export const sellOtherProduct: Deed = async (world, random) => {
  const { dashboard } = world;
  const customer = oneOf(random, ourCustomers(world));
  const buyer =
    customer === undefined || random.chance(0.5)
      ? (await dashboard.customers.create({ email: 'other@customer.example' })).id
      : customer.id;
  const { id: card } = await dashboard.paymentMethods.attach('pm_card_visa', { customer: buyer });
  const product = await dashboard.products.create({ name: 'Training' });
  const price = await dashboard.prices.create({
    product: product.id,
    currency: 'usd',
    unit_amount: 9_900,
    recurring: { interval: 'month' },
  });
  const { id } = await dashboard.subscriptions.create({
    customer: buyer,
    items: [{ price: price.id }],
    default_payment_method: card,
  });
  return `${id} of ${buyer}`;
};

/**
 * Stripe customers that have had a card. A Stripe customer without a card may be left over from a request
 * that crashed before it stored the binding. A closed account has no name at Stripe and is left out.
 */
export const ourCustomers = ({ double: { state } }: World): Stripe.Customer[] => {
  const known = new Set([
    ...state.paymentMethods.newestFirst.map(({ customer }) => String(customer)),
    ...state.charges.newestFirst.map(({ customer }) => String(customer)),
  ]);
  return state.customers.newestFirst.filter(
    ({ id, metadata, name }) => metadata['customer_id'] !== undefined && name && known.has(id),
  );
};
