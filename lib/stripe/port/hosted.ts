import type { CardDetails } from '../../domain/cards/card-details.ts';

/** A Checkout session in which one of our customers adds a card. */
export interface HostedCardSession {
  readonly sessionId: string;
  /** `complete`: the cardholder has confirmed the card. */
  readonly state: 'open' | 'complete' | 'expired';
  /** Stripe's page; null unless the session is open. Never stored, never logged. */
  readonly url: string | null;
  readonly expiresAt: Date;
  /** Our customer, and the number of the session, by the session's metadata. */
  readonly customerId: string | null;
  readonly attempt: number | null;
  readonly stripeCustomerId: string | null;
  /** The confirmed card; null before. `createdAt` is when it was entered, in whole seconds. */
  readonly card: { readonly paymentMethodId: string; readonly createdAt: Date } | null;
}

export interface CardSessionOrder {
  readonly customerId: string;
  readonly stripeCustomerId: string;
  readonly attempt: number;
  readonly expiresAt: Date;
  /** Shown above the button that confirms the card. */
  readonly consent: string;
  /** Where Stripe sends the browser. `{CHECKOUT_SESSION_ID}` in it becomes the id. */
  readonly returnUrl: string;
  readonly cancelUrl: string;
}

/** Pages that Stripe hosts for our customers. None of these calls moves money. */
export interface HostedPageCalls {
  /** One session for each customer and attempt: a repeat with the same order returns the same session. */
  openCardSession(order: CardSessionOrder): Promise<HostedCardSession>;
  /** Null if there is no such session. */
  readCardSession(sessionId: string): Promise<HostedCardSession | null>;
  /** Does nothing for a session that is no longer open. */
  expireCardSession(sessionId: string): Promise<void>;
  /** The default card. Null without one, also for a deleted customer. */
  readCardDetails(stripeCustomerId: string): Promise<CardDetails | null>;
  /** Removes a card from its customer. Idempotent. */
  detachCard(paymentMethodId: string): Promise<void>;
  /** A short-lived address of the portal: invoices, address and tax id. */
  openPortal(stripeCustomerId: string, returnUrl: string): Promise<string>;
  /** Where an invoice of this customer is paid; null if it is not theirs, or has no page. */
  readInvoicePage(invoiceId: string, stripeCustomerId: string): Promise<string | null>;
}
