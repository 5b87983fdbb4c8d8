import type { Double } from './double.ts';
import { withoutSecrets } from './without-secrets.ts';

/** The whole state of the stand-in, without secrets. */
export function stateDump({ state, clock, schedule, faults, deliveries }: Double): unknown {
  return withoutSecrets({
    now: clock.nowSeconds,
    customers: state.customers.newestFirst,
    deletedCustomers: [...state.deletedCustomers.keys()],
    paymentMethods: state.paymentMethods.newestFirst,
    sources: state.sources.newestFirst,
    paymentIntents: state.paymentIntents.newestFirst,
    charges: state.charges.newestFirst,
    refunds: state.refunds.newestFirst,
    disputes: state.disputes.newestFirst,
    setupIntents: state.setupIntents.newestFirst,
    checkoutSessions: state.checkoutSessions.newestFirst,
    portalConfigurations: state.portalConfigurations.newestFirst,
    portalSessions: state.portalSessions.newestFirst,
    balanceTransactions: state.balanceTransactions.newestFirst,
    payouts: state.payouts.newestFirst,
    earlyFraudWarnings: state.earlyFraudWarnings.newestFirst,
    refundMode: state.refundMode,
    products: state.products.newestFirst,
    prices: state.prices.newestFirst,
    subscriptions: state.subscriptions.newestFirst,
    invoices: state.invoices.newestFirst,
    invoicePayments: state.invoicePayments.newestFirst,
    invoiceItems: state.invoiceItems.newestFirst,
    coupons: state.coupons.newestFirst,
    discounts: state.discounts.newestFirst,
    creditNotes: state.creditNotes.newestFirst,
    balanceEntries: state.balanceEntries.newestFirst,
    events: state.events.newestFirst,
    webhookEndpoints: state.webhookEndpoints.newestFirst,
    dunning: state.dunning,
    tax: state.tax,
    switches: state.switches,
    pending: schedule.pending,
    faults: faults.waiting,
    webhooks: { ...deliveries.mode, held: deliveries.heldCount },
  });
}
