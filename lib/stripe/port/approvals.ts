import type { Decline } from './payments.ts';
import type { Subscribed } from './plans.ts';

/** What the cardholder's browser does next to approve a payment. Never stored, never logged. */
export type NextStep =
  /** Opens the bank's page. */
  | { readonly kind: 'redirect'; readonly url: string }
  /** Runs Stripe's script, which shows the bank's page. */
  | { readonly kind: 'script'; readonly clientSecret: string };

/**
 * A payment that its cardholder may have to approve.
 * - `unconfirmed`: it was never confirmed with the cardholder present. `waiting`: the bank asks them.
 * - `failed`: the card was declined, or its holder did not approve.
 */
export interface Approval {
  readonly paymentIntentId: string;
  readonly state: 'unconfirmed' | 'waiting' | 'processing' | 'succeeded' | 'failed' | 'canceled';
  /** Null unless the payment waits. */
  readonly next: NextStep | null;
  /** Why it failed. */
  readonly decline: Decline | null;
}

/** A subscription whose first invoice is paid with the cardholder present. */
export interface Ordered extends Subscribed {
  /** The payment of the first invoice; null if nothing was due. */
  readonly payment: Approval | null;
}

/** Confirms a payment with a card, while its holder is present. */
export interface Confirmation {
  readonly paymentIntentId: string;
  readonly paymentMethodId: string;
  /** Where the bank sends the cardholder afterwards. */
  readonly returnUrl: string;
  readonly idempotencyKey: string;
}

/** Payments that the cardholder approves in a browser. */
export interface ApprovalCalls {
  /** Creates a subscription that stays incomplete until its first invoice is paid. Charges nothing. */
  orderOnSession(order: {
    readonly customerId: string;
    readonly stripeCustomerId: string;
    readonly priceId: string;
    readonly attempt: number;
  }): Promise<Ordered>;
  /** The subscription made by `orderOnSession`; null if there is none. */
  findOrdered(stripeCustomerId: string, attempt: number): Promise<Ordered | null>;
  /** A subscription of any origin, with its first invoice and payment as they are now. */
  readOrdered(subscriptionId: string): Promise<Ordered>;
  /** Confirms a payment on-session. A decline is returned too. */
  confirmOnSession(confirmation: Confirmation): Promise<Approval>;
  readApproval(paymentIntentId: string): Promise<Approval>;
  /**
   * Makes the first payment of a subscription impossible and ends the subscription. Idempotent. Returns false
   * and changes nothing if the payment succeeded meanwhile.
   */
  endUnpaid(ordered: Ordered): Promise<boolean>;
}
