import type Stripe from 'stripe';
import type { CardName } from './cards.ts';
import { Collection } from './collection.ts';
import type { StoredEvent } from './events.ts';
import { OWN_BANK_ACCOUNT } from './own-bank-account.ts';
import { defaultSwitches, type Switches } from './switches.ts';

/** How unpaid renewals are retried, and what the subscription becomes if all retries fail. */
export interface Dunning {
  /** Days after the previous failed attempt. */
  readonly retryAfterDays: readonly number[];
  readonly finally: 'canceled' | 'unpaid' | 'past_due' | 'paused';
}

export const DEFAULT_DUNNING: Dunning = { retryAfterDays: [3, 5, 7], finally: 'canceled' };

export interface Tax {
  readonly percent: number;
  readonly behavior: 'exclusive' | 'inclusive';
}

/** A customer's card or bank account of the older kind. */
export type CustomerSource = Stripe.Card | Stripe.BankAccount;

/** Stripe's internal facts about a payment method. */
export interface CardFacts {
  readonly card: CardName;
  /** Whether the cardholder has authenticated and agreed to off-session charges. */
  setUp: boolean;
  /** Whether the method was detached, or used without a customer. It cannot pay again. */
  spent: boolean;
}

/**
 * The stand-in's whole state. References between objects are ids; only a subscription item contains its
 * price.
 */
export class State {
  readonly customers = new Collection<Stripe.Customer>('customer');
  readonly deletedCustomers = new Map<string, Stripe.DeletedCustomer>();
  readonly paymentMethods = new Collection<Stripe.PaymentMethod>('PaymentMethod');
  /** Cards and bank accounts of the older kind. Each card is also a payment method with the same id. */
  readonly sources = new Collection<CustomerSource>('source');
  readonly cardFacts = new Map<string, CardFacts>();
  readonly paymentIntents = new Collection<Stripe.PaymentIntent>('payment_intent');
  readonly charges = new Collection<Stripe.Charge>('charge');
  readonly refunds = new Collection<Stripe.Refund>('refund');
  readonly disputes = new Collection<Stripe.Dispute>('dispute');
  readonly balanceTransactions = new Collection<Stripe.BalanceTransaction>('balance transaction');
  /** The balance transactions that are not available yet, oldest first. */
  readonly pendingMovements: Stripe.BalanceTransaction[] = [];
  readonly payouts = new Collection<Stripe.Payout>('payout');
  /** By balance transaction, the automatic payout that paid it out. */
  readonly paidOutBy = new Map<string, string>();
  readonly earlyFraudWarnings = new Collection<Stripe.Radar.EarlyFraudWarning>('early fraud warning');
  /** By intent, where the cardholder goes after authentication. */
  readonly returnUrls = new Map<string, string>();
  /** Whether refunds wait for the bank's answer, which a control sends. */
  refundMode: 'usual' | 'pending' = 'usual';
  readonly setupIntents = new Collection<Stripe.SetupIntent>('setup_intent');
  readonly checkoutSessions = new Collection<Stripe.Checkout.Session>('checkout.session');
  readonly portalConfigurations = new Collection<Stripe.BillingPortal.Configuration>('configuration');
  readonly portalSessions = new Collection<Stripe.BillingPortal.Session>('billing portal session');
  readonly products = new Collection<Stripe.Product>('product');
  readonly prices = new Collection<Stripe.Price>('price');
  readonly subscriptions = new Collection<Stripe.Subscription>('subscription');
  readonly invoices = new Collection<Stripe.Invoice>('invoice');
  /** Invoices with an overdue event. */
  readonly overdue = new Set<string>();
  readonly invoicePayments = new Collection<Stripe.InvoicePayment>('invoice_payment');
  readonly invoiceItems = new Collection<Stripe.InvoiceItem>('invoiceitem');
  readonly coupons = new Collection<Stripe.Coupon>('coupon');
  readonly discounts = new Collection<Stripe.Discount>('discount');
  readonly balanceEntries = new Collection<Stripe.CustomerBalanceTransaction>('customer balance transaction');
  readonly creditNotes = new Collection<Stripe.CreditNote>('credit note');
  /** By invoice, the paused subscription that its payment resumes. */
  readonly resumptions = new Map<string, string>();
  /** Money paid outside Stripe, by invoice: included only on request. */
  readonly paidOffStripe = new Map<string, number>();
  readonly events = new Collection<StoredEvent>('event');
  readonly webhookEndpoints = new Collection<Stripe.WebhookEndpoint>('webhook endpoint');
  /** By endpoint, the newest first; several during the rotation of a secret. */
  readonly webhookSecrets = new Map<string, readonly string[]>();
  /** By event, the endpoints that have not accepted it yet. */
  readonly undelivered = new Map<string, Set<string>>();
  dunning: Dunning = DEFAULT_DUNNING;
  /** Tax on top of every line, or included in it, from now on. */
  tax: Tax | null = null;
  switches: Switches = defaultSwitches();

  /** Every collection that `expand` can search. */
  findAny(id: string): unknown {
    const collections = [
      this.customers,
      this.paymentMethods,
      this.paymentIntents,
      this.charges,
      this.refunds,
      this.disputes,
      this.balanceTransactions,
      this.payouts,
      this.setupIntents,
      this.checkoutSessions,
      this.portalConfigurations,
      this.portalSessions,
      this.earlyFraudWarnings,
      this.products,
      this.prices,
      this.subscriptions,
      this.invoices,
      this.invoicePayments,
      this.invoiceItems,
      this.balanceEntries,
      this.coupons,
      this.discounts,
      this.creditNotes,
    ];
    for (const collection of collections) {
      const found = collection.find(id);
      if (found !== undefined) return found;
    }
    return id === OWN_BANK_ACCOUNT.id ? OWN_BANK_ACCOUNT : this.deletedCustomers.get(id);
  }
}
