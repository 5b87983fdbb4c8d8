import type { StripeEvent } from '../event.ts';
import type { OwnedInvoice, PaidFix } from './money.ts';

/** A part of one of Stripe's lists. Lists are newest first. */
export interface ListWindow {
  /** Inclusive; created at or after this second. */
  readonly from: Date;
  /** Exclusive; null includes the newest. */
  readonly until: Date | null;
  /** `next` of the page before; null for the first. */
  readonly after: string | null;
}

/** At most 100 of a list. Fewer if Stripe's page also has objects that were not asked for. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Null on the last page. */
  readonly next: string | null;
}

/** An event about a customer, and whether Stripe still has to deliver it. */
export interface CustomerEvent {
  readonly id: string;
  readonly type: string;
  /** The id of the event's object. */
  readonly objectId: string | null;
  readonly undelivered: boolean;
}

/** Events, and account-wide lists for reconciliation. Reads only. */
export interface ListCalls {
  /** The event as Stripe has it. Stripe keeps events for 30 days. */
  readEvent(eventId: string): Promise<unknown>;
  /** Events of the types that change something here. */
  listEvents(window: ListWindow): Promise<Page<StripeEvent>>;
  /** Events of any type about a customer, even a deleted one. Reads every event of the account since then. */
  findEventsOf(stripeCustomerId: string, since: Date): Promise<CustomerEvent[]>;
  /** Succeeded payments for fixes, of all customers. */
  listFixPayments(window: ListWindow): Promise<Page<PaidFix>>;
  /** Paid invoices that bring credits, of all customers. */
  listProInvoices(window: ListWindow): Promise<Page<OwnedInvoice>>;
}
