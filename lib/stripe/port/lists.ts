import type { StripeEvent } from '../event.ts';
import type { OwnedInvoice, PaidFix } from './money.ts';

/** A part of one of Stripe's lists, which are told the newest first. */
export interface ListWindow {
  /** What was created from this moment on, to the second. */
  readonly from: Date;
  /** And before this one; null for the newest too. */
  readonly until: Date | null;
  /** `next` of the page before; null for the first. */
  readonly after: string | null;
}

/** At most 100 of a list; fewer where Stripe's page held others than were asked for. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Null on the last page. */
  readonly next: string | null;
}

/** An event about a customer, and whether Stripe still has to deliver it. */
export interface CustomerEvent {
  readonly id: string;
  readonly type: string;
  /** What it is about. */
  readonly objectId: string | null;
  readonly undelivered: boolean;
}

/** Events, and lists of the whole account for the reconciliation. Reads only. */
export interface ListCalls {
  /** The event as Stripe keeps it, for 30 days. */
  readEvent(eventId: string): Promise<unknown>;
  /** Events of the types that change something here. */
  listEvents(window: ListWindow): Promise<Page<StripeEvent>>;
  /** Events of any type about a customer, also one who was deleted. Reads every event of the account since then. */
  findEventsOf(stripeCustomerId: string, since: Date): Promise<CustomerEvent[]>;
  /** Payments for fixes that succeeded, of all customers. */
  listFixPayments(window: ListWindow): Promise<Page<PaidFix>>;
  /** Paid invoices that bring credits, of all customers. */
  listProInvoices(window: ListWindow): Promise<Page<OwnedInvoice>>;
}
