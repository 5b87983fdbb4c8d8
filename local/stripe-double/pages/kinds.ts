import type Stripe from 'stripe';
import { idOf } from '../collection.ts';
import type { Double } from '../double.ts';
import { switchTable } from '../switches.ts';
import { button } from './actions.ts';
import { answer, code, link, metadata, moment, momentMs, money, state } from './format.ts';
import { type Listing, listing } from './listing.ts';

const price = (subscription: Stripe.Subscription) => subscription.items.data[0]?.price;

function cardOf({ state }: Double, methodId: string | null): string | null {
  const card = state.paymentMethods.find(methodId)?.card;
  return card === undefined ? null : `${card.brand} ${card.last4}`;
}

function refunded({ state }: Double, chargeId: string | null): string | null {
  const charge = state.charges.find(chargeId);
  return charge === undefined || charge.amount_refunded === 0
    ? null
    : money(charge.amount_refunded, charge.currency);
}

/** Every kind with a list, in display order. */
export const LISTINGS: readonly Listing[] = [
  listing({
    path: 'payments',
    title: 'Payments',
    all: (double) => double.state.paymentIntents.newestFirst,
    id: ({ id }) => id,
    names: (one) => [idOf(one.customer), idOf(one.latest_charge), idOf(one.payment_method)],
    columns: [
      { head: 'Created', cell: ({ created }) => moment(created) },
      { head: 'Payment', cell: ({ id }) => link(id) },
      { head: 'Amount', cell: ({ amount, currency }) => money(amount, currency) },
      {
        head: 'State',
        cell: ({ status, last_payment_error: error }) => state(status, error?.decline_code ?? error?.code),
      },
      { head: 'Customer', cell: ({ customer }) => link(idOf(customer)) },
      { head: 'Refunded', cell: (one, double) => refunded(double, idOf(one.latest_charge)) },
      { head: 'Metadata', cell: (one) => metadata(one.metadata) },
    ],
  }),
  listing({
    path: 'customers',
    title: 'Customers',
    all: (double) => double.state.customers.newestFirst,
    id: ({ id }) => id,
    names: ({ invoice_settings: settings }) => [idOf(settings.default_payment_method)],
    columns: [
      { head: 'Created', cell: ({ created }) => moment(created) },
      { head: 'Customer', cell: ({ id }) => link(id) },
      { head: 'Name', cell: ({ name }) => name },
      { head: 'E-mail', cell: ({ email }) => email },
      {
        head: 'Card on file',
        cell: ({ invoice_settings: settings }, double) =>
          cardOf(double, idOf(settings.default_payment_method)),
      },
      { head: 'Balance', cell: ({ balance, currency }) => money(balance, currency ?? 'usd') },
      { head: 'Metadata', cell: (one) => metadata(one.metadata) },
    ],
  }),
  listing({
    path: 'subscriptions',
    title: 'Subscriptions',
    all: (double) => double.state.subscriptions.newestFirst,
    id: ({ id }) => id,
    names: (one) => [idOf(one.customer), price(one)?.id ?? null, idOf(one.latest_invoice)],
    columns: [
      { head: 'Created', cell: ({ created }) => moment(created) },
      { head: 'Subscription', cell: ({ id }) => link(id) },
      { head: 'State', cell: ({ status }) => state(status) },
      { head: 'Price', cell: (one) => price(one)?.lookup_key ?? link(price(one)?.id) },
      { head: 'Period ends', cell: (one) => moment(one.items.data[0]?.current_period_end) },
      { head: 'Cancels', cell: (one) => moment(one.cancel_at) },
      { head: 'Customer', cell: ({ customer }) => link(idOf(customer)) },
    ],
  }),
  listing({
    path: 'invoices',
    title: 'Invoices',
    all: (double) => double.state.invoices.newestFirst,
    id: ({ id }) => id,
    names: (one) => [idOf(one.customer), idOf(one.parent?.subscription_details?.subscription)],
    columns: [
      { head: 'Created', cell: ({ created }) => moment(created) },
      { head: 'Invoice', cell: ({ id }) => link(id) },
      { head: 'Total', cell: ({ total, currency }) => money(total, currency) },
      { head: 'State', cell: ({ status }) => state(status) },
      { head: 'Why', cell: ({ billing_reason: reason }) => reason?.replaceAll('_', ' ') },
      { head: 'Attempts', cell: (one) => one.attempt_count },
      { head: 'Next attempt', cell: (one) => moment(one.next_payment_attempt) },
      { head: 'Customer', cell: ({ customer }) => link(idOf(customer)) },
    ],
  }),
  listing({
    path: 'refunds',
    title: 'Refunds',
    all: (double) => double.state.refunds.newestFirst,
    id: ({ id }) => id,
    names: (one) => [idOf(one.payment_intent), idOf(one.charge)],
    columns: [
      { head: 'Created', cell: ({ created }) => moment(created) },
      { head: 'Refund', cell: ({ id }) => link(id) },
      { head: 'Amount', cell: ({ amount, currency }) => money(amount, currency) },
      { head: 'State', cell: ({ status }) => state(status) },
      { head: 'Reason', cell: ({ reason }) => reason?.replaceAll('_', ' ') },
      { head: 'Payment', cell: (one) => link(idOf(one.payment_intent)) },
    ],
  }),
  listing({
    path: 'disputes',
    title: 'Disputes',
    all: (double) => double.state.disputes.newestFirst,
    id: ({ id }) => id,
    names: (one) => [idOf(one.payment_intent), idOf(one.charge)],
    columns: [
      { head: 'Opened', cell: ({ created }) => moment(created) },
      { head: 'Dispute', cell: ({ id }) => link(id) },
      { head: 'Amount', cell: ({ amount, currency }) => money(amount, currency) },
      { head: 'State', cell: ({ status }) => state(status) },
      { head: 'Reason', cell: ({ reason }) => reason.replaceAll('_', ' ') },
      { head: 'Answer by', cell: (one) => moment(one.evidence_details.due_by) },
      { head: 'Payment', cell: (one) => link(idOf(one.payment_intent)) },
    ],
  }),
  listing({
    path: 'invoice_payments',
    title: 'Invoice payments',
    all: (double) => double.state.invoicePayments.newestFirst,
    id: ({ id }) => id,
    names: (one) => [idOf(one.invoice), idOf(one.payment.payment_intent)],
    columns: [
      { head: 'Created', cell: ({ created }) => moment(created) },
      { head: 'Invoice payment', cell: ({ id }) => link(id) },
      { head: 'Asked for', cell: (one) => money(one.amount_requested, one.currency) },
      {
        head: 'Paid',
        cell: (one) => (one.amount_paid === null ? null : money(one.amount_paid, one.currency)),
      },
      { head: 'State', cell: ({ status }) => state(status) },
      { head: 'Invoice', cell: ({ invoice }) => link(idOf(invoice)) },
      { head: 'Payment', cell: ({ payment }) => link(idOf(payment.payment_intent)) },
    ],
  }),
  listing({
    path: 'credit_notes',
    title: 'Credit notes',
    all: (double) => double.state.creditNotes.newestFirst,
    id: ({ id }) => id,
    names: (one) => [
      idOf(one.invoice),
      idOf(one.customer),
      idOf(one.customer_balance_transaction),
      ...one.refunds.map(({ refund }) => idOf(refund)),
    ],
    columns: [
      { head: 'Created', cell: ({ created }) => moment(created) },
      { head: 'Credit note', cell: ({ id }) => link(id) },
      { head: 'Total', cell: ({ total, currency }) => money(total, currency) },
      { head: 'Before payment', cell: (one) => money(one.pre_payment_amount, one.currency) },
      { head: 'After payment', cell: (one) => money(one.post_payment_amount, one.currency) },
      { head: 'State', cell: ({ status }) => state(status) },
      { head: 'Invoice', cell: ({ invoice }) => link(idOf(invoice)) },
    ],
  }),
  listing({
    path: 'invoice_items',
    title: 'Invoice items',
    all: (double) => double.state.invoiceItems.newestFirst,
    id: ({ id }) => id,
    names: (one) => [
      idOf(one.customer),
      idOf(one.invoice),
      one.parent?.subscription_details?.subscription ?? null,
    ],
    columns: [
      { head: 'Created', cell: ({ date }) => moment(date) },
      { head: 'Item', cell: ({ id }) => link(id) },
      { head: 'Amount', cell: ({ amount, currency }) => money(amount, currency) },
      { head: 'What', cell: ({ description }) => description },
      { head: 'Invoice', cell: ({ invoice }) => (invoice === null ? 'waits' : link(idOf(invoice))) },
    ],
  }),
  listing({
    path: 'coupons',
    title: 'Coupons',
    all: (double) => double.state.coupons.newestFirst,
    id: ({ id }) => id,
    names: () => [],
    columns: [
      { head: 'Created', cell: ({ created }) => moment(created) },
      { head: 'Coupon', cell: ({ id }) => link(id) },
      {
        head: 'Off',
        cell: (one) =>
          one.amount_off === null ? `${one.percent_off}%` : money(one.amount_off, one.currency ?? 'usd'),
      },
      { head: 'For', cell: ({ duration }) => duration },
      { head: 'Used', cell: (one) => one.times_redeemed },
    ],
  }),
  listing({
    path: 'balance_entries',
    title: 'Customer balance',
    all: (double) => double.state.balanceEntries.newestFirst,
    id: ({ id }) => id,
    names: (one) => [idOf(one.customer), idOf(one.invoice), idOf(one.credit_note)],
    columns: [
      { head: 'Created', cell: ({ created }) => moment(created) },
      { head: 'Entry', cell: ({ id }) => link(id) },
      { head: 'Amount', cell: ({ amount, currency }) => money(amount, currency) },
      { head: 'Balance then', cell: (one) => money(one.ending_balance, one.currency) },
      { head: 'Why', cell: ({ type }) => type.replaceAll('_', ' ') },
      { head: 'Customer', cell: ({ customer }) => link(idOf(customer)) },
      { head: 'Invoice', cell: ({ invoice }) => link(idOf(invoice)) },
    ],
  }),
  listing({
    path: 'balance_transactions',
    title: 'Balance transactions',
    all: (double) => double.state.balanceTransactions.newestFirst,
    id: ({ id }) => id,
    names: ({ source }) => [idOf(source)],
    columns: [
      { head: 'Created', cell: ({ created }) => moment(created) },
      { head: 'Transaction', cell: ({ id }) => link(id) },
      { head: 'Kind', cell: (one) => one.reporting_category.replaceAll('_', ' ') },
      { head: 'Amount', cell: ({ amount, currency }) => money(amount, currency) },
      { head: 'Fee', cell: ({ fee, currency }) => money(fee, currency) },
      { head: 'Net', cell: ({ net, currency }) => money(net, currency) },
      { head: 'Source', cell: ({ source }) => link(idOf(source)) },
    ],
  }),
  listing({
    path: 'early_fraud_warnings',
    title: 'Early fraud warnings',
    all: (double) => double.state.earlyFraudWarnings.newestFirst,
    id: ({ id }) => id,
    names: (one) => [idOf(one.charge), idOf(one.payment_intent)],
    columns: [
      { head: 'Created', cell: ({ created }) => moment(created) },
      { head: 'Warning', cell: ({ id }) => link(id) },
      { head: 'Kind', cell: (one) => one.fraud_type.replaceAll('_', ' ') },
      { head: 'Charge', cell: ({ charge }) => link(idOf(charge)) },
    ],
  }),
  listing({
    path: 'setup_intents',
    title: 'Setup intents',
    all: (double) => double.state.setupIntents.newestFirst,
    id: ({ id }) => id,
    names: (one) => [idOf(one.customer), idOf(one.payment_method)],
    columns: [
      { head: 'Created', cell: ({ created }) => moment(created) },
      { head: 'Setup intent', cell: ({ id }) => link(id) },
      { head: 'State', cell: ({ status, last_setup_error: error }) => state(status, error?.code) },
      { head: 'Customer', cell: ({ customer }) => link(idOf(customer)) },
    ],
  }),
  listing({
    path: 'checkout_sessions',
    title: 'Checkout',
    all: (double) => double.state.checkoutSessions.newestFirst,
    id: ({ id }) => id,
    names: (one) => [idOf(one.customer), idOf(one.setup_intent)],
    columns: [
      { head: 'Created', cell: ({ created }) => moment(created) },
      { head: 'Session', cell: ({ id }) => link(id) },
      { head: 'State', cell: ({ status }) => state(status) },
      { head: 'Customer', cell: ({ customer }) => link(idOf(customer)) },
      { head: 'Expires', cell: (one) => moment(one.expires_at) },
    ],
  }),
  listing({
    path: 'portal_configurations',
    title: 'Portal configurations',
    all: (double) => double.state.portalConfigurations.newestFirst,
    id: ({ id }) => id,
    names: () => [],
    columns: [
      { head: 'Created', cell: ({ created }) => moment(created) },
      { head: 'Configuration', cell: ({ id }) => link(id) },
      { head: 'State', cell: ({ active }) => (active ? 'active' : 'inactive') },
    ],
  }),
  listing({
    path: 'portal_sessions',
    title: 'Customer portal',
    all: (double) => double.state.portalSessions.newestFirst,
    id: ({ id }) => id,
    names: ({ customer }) => [customer],
    columns: [
      { head: 'Created', cell: ({ created }) => moment(created) },
      { head: 'Session', cell: ({ id }) => link(id) },
      { head: 'Customer', cell: ({ customer }) => link(customer) },
    ],
  }),
  listing({
    path: 'events',
    title: 'Events',
    all: (double) => double.state.events.newestFirst,
    id: ({ id }) => id,
    names: (one) => [one.data.object.id ?? null, one.request?.id ?? null],
    columns: [
      { head: 'At', cell: ({ created }) => moment(created) },
      { head: 'Event', cell: ({ id }) => link(id) },
      { head: 'Type', cell: ({ type }) => type },
      { head: 'Object', cell: (one) => link(one.data.object.id) },
      {
        head: 'Delivery',
        cell: ({ id }, double) => {
          const waiting = double.state.undelivered.get(id)?.size ?? 0;
          return waiting === 0 ? 'done' : `${waiting} to go`;
        },
      },
    ],
  }),
  listing({
    path: 'deliveries',
    title: 'Deliveries',
    all: (double) => double.deliveries.attempts.toReversed(),
    id: () => null,
    names: ({ event, endpoint }) => [event, endpoint],
    columns: [
      { head: 'At (real time)', cell: ({ atMs }) => momentMs(atMs) },
      { head: 'Event', cell: ({ event }) => link(event) },
      { head: 'Type', cell: ({ type }) => type },
      { head: 'To', cell: ({ url }) => url },
      { head: 'Attempt', cell: ({ number }) => number },
      { head: 'Answer', cell: ({ status, error }) => answer(status, error) },
    ],
  }),
  listing({
    path: 'webhook_endpoints',
    title: 'Webhook endpoints',
    all: (double) => double.state.webhookEndpoints.newestFirst,
    id: ({ id }) => id,
    names: () => [],
    columns: [
      { head: 'Created', cell: ({ created }) => moment(created) },
      { head: 'Endpoint', cell: ({ id }) => link(id) },
      { head: 'URL', cell: ({ url }) => url },
      { head: 'State', cell: ({ status }) => state(status) },
      {
        head: 'Events',
        cell: ({ enabled_events: wanted }) => (wanted.includes('*') ? 'all' : `${wanted.length} types`),
      },
    ],
  }),
  listing({
    path: 'tasks',
    title: 'Scheduled tasks',
    all: (double) => double.schedule.pending,
    id: () => null,
    names: () => [],
    columns: [
      { head: 'At', cell: ({ at }) => moment(at) },
      { head: 'What', cell: ({ what }) => what },
    ],
  }),
  listing({
    path: 'switches',
    title: 'Switches',
    all: (double) => switchTable(double.state.switches),
    id: () => null,
    names: () => [],
    columns: [
      { head: 'Switch', cell: ({ name }) => code(name) },
      { head: 'Unknown', cell: ({ unknown }) => unknown },
      { head: 'Documented at', cell: ({ where }) => where },
      { head: 'Set to', cell: ({ value }) => code(value) },
      {
        head: 'Set it to',
        cell: ({ name, value, values }) =>
          values
            .filter((other) => other !== value)
            .map((other) =>
              button({
                label: other,
                control: '/_double/switches',
                input: { [name]: other },
                back: '/switches',
              }),
            ),
      },
    ],
  }),
  listing({
    path: 'calls',
    title: 'Calls',
    all: (double) => double.calls.all.toReversed(),
    id: ({ requestId }) => requestId,
    names: () => [],
    columns: [
      { head: 'At (real time)', cell: ({ atMs }) => momentMs(atMs) },
      { head: 'Request', cell: ({ requestId }) => link(requestId) },
      { head: 'Call', cell: ({ method, path }) => `${method} ${path}` },
      { head: 'Answer', cell: ({ status }) => answer(status) },
      { head: 'Idempotency key', cell: ({ idempotencyKey }) => code(idempotencyKey) },
      {
        head: 'Notes',
        cell: ({ replayed, fault }) =>
          [replayed ? 'replayed' : null, fault].filter((note) => note !== null).join(', '),
      },
    ],
  }),
  listing({
    path: 'charges',
    title: 'Charges',
    all: (double) => double.state.charges.newestFirst,
    id: ({ id }) => id,
    names: (one) => [idOf(one.customer), idOf(one.payment_intent), idOf(one.payment_method)],
    columns: [
      { head: 'Created', cell: ({ created }) => moment(created) },
      { head: 'Charge', cell: ({ id }) => link(id) },
      { head: 'Amount', cell: ({ amount, currency }) => money(amount, currency) },
      { head: 'State', cell: ({ status }) => state(status) },
      { head: 'Payment', cell: (one) => link(idOf(one.payment_intent)) },
    ],
  }),
  listing({
    path: 'payment_methods',
    title: 'Payment methods',
    all: (double) => double.state.paymentMethods.newestFirst,
    id: ({ id }) => id,
    names: ({ customer }) => [idOf(customer)],
    columns: [
      { head: 'Created', cell: ({ created }) => moment(created) },
      { head: 'Payment method', cell: ({ id }) => link(id) },
      { head: 'Card', cell: ({ id }, double) => cardOf(double, id) },
      { head: 'Customer', cell: ({ customer }) => link(idOf(customer)) },
    ],
  }),
  listing({
    path: 'prices',
    title: 'Prices',
    all: (double) => double.state.prices.newestFirst,
    id: ({ id }) => id,
    names: ({ product }) => [typeof product === 'string' ? product : product.id],
    columns: [
      { head: 'Created', cell: ({ created }) => moment(created) },
      { head: 'Price', cell: ({ id }) => link(id) },
      {
        head: 'Amount',
        cell: (one) => (one.unit_amount === null ? null : money(one.unit_amount, one.currency)),
      },
      { head: 'Every', cell: ({ recurring }) => recurring?.interval },
      { head: 'Lookup key', cell: (one) => one.lookup_key },
      { head: 'Product', cell: ({ product }) => link(typeof product === 'string' ? product : product.id) },
    ],
  }),
  listing({
    path: 'products',
    title: 'Products',
    all: (double) => double.state.products.newestFirst,
    id: ({ id }) => id,
    names: () => [],
    columns: [
      { head: 'Created', cell: ({ created }) => moment(created) },
      { head: 'Product', cell: ({ id }) => link(id) },
      { head: 'Name', cell: ({ name }) => name },
    ],
  }),
];
