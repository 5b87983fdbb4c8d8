import type { ChargeTexts } from '../../domain/fix-attempt.ts';
import type { ReturnFacts } from '../../domain/payments/payment-return.ts';

/** The fix and the attempt that a payment is for; stored in the payment intent's metadata. */
export interface FixReference {
  readonly customerId: string;
  readonly fixAttemptId: string;
  readonly attempt: number;
}

/** The card that is charged by default. */
export interface DefaultCard {
  readonly paymentMethodId: string;
  /** The same for every payment method of this card; null if Stripe has none. */
  readonly fingerprint: string | null;
  /** The last month of the card, such as 2027-01; absent if Stripe has none. */
  readonly expires?: string | undefined;
}

export interface Decline {
  readonly code: string;
  readonly declineCode: string | null;
}

/** The current state of a payment intent for a fix. Amounts in US cents. */
export interface FixPayment extends FixReference {
  readonly paymentIntentId: string;
  readonly stripeCustomerId: string | null;
  readonly state: 'succeeded' | 'processing' | 'action_required' | 'declined' | 'canceled';
  readonly amountCents: number;
  readonly decline: Decline | null;
  /** Lets the cardholder confirm the payment in a browser; never stored, never logged. */
  readonly clientSecret: string | null;
}

export interface FixChargeOrder extends FixReference {
  readonly stripeCustomerId: string;
  readonly paymentMethodId: string;
  readonly amountCents: number;
  /** Null for a charge that an earlier release announced. */
  readonly texts: ChargeTexts | null;
  readonly idempotencyKey: string;
}

/** The refund of a double payment. */
export interface RefundOrder {
  readonly paymentIntentId: string;
  readonly attempt: number;
  readonly amountCents: number;
}

/** Payments for single fixes. */
export interface PaymentCalls {
  /** Whether Stripe mails its own receipts, from the settings. */
  readonly mailsReceipts: boolean;
  /** Null without a chargeable card, also for a deleted customer. */
  readDefaultCard(stripeCustomerId: string): Promise<DefaultCard | null>;
  /** Creates and confirms the payment, off-session. A decline is returned as a payment too. */
  chargeFix(order: FixChargeOrder): Promise<FixPayment>;
  /** Null for a payment intent of another purpose. */
  readFixPayment(paymentIntentId: string): Promise<FixPayment | null>;
  /** The payments of a fix since a moment, by their metadata. */
  findFixPayments(stripeCustomerId: string, fixAttemptId: string, since: Date): Promise<FixPayment[]>;
  /** Makes the payment impossible from now on. Returns its state afterwards, which can be `succeeded`. */
  cancelPayment(paymentIntentId: string): Promise<FixPayment | null>;
  /** Refunds a part of a payment, once per attempt. Returns the refund's id. */
  refundPayment(order: RefundOrder): Promise<string>;
  /** What was returned of a payment: all refunds, and money withdrawn by disputes. */
  readReturn(paymentIntentId: string): Promise<ReturnFacts>;
}
