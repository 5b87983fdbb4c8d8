import type { ReturnFacts } from '../../domain/payments/payment-return.ts';

/** Which attempt of which fix a payment is for; travels as the payment intent's metadata. */
export interface FixReference {
  readonly customerId: string;
  readonly fixAttemptId: string;
  readonly attempt: number;
}

/** The card that is charged unless another one is named. */
export interface DefaultCard {
  readonly paymentMethodId: string;
  /** The same for every payment method that is this card; null where Stripe does not say. */
  readonly fingerprint: string | null;
}

export interface Decline {
  readonly code: string;
  readonly declineCode: string | null;
}

/** A payment intent for a fix, as Stripe has it now. Amounts in US cents. */
export interface FixPayment extends FixReference {
  readonly paymentIntentId: string;
  readonly stripeCustomerId: string | null;
  readonly state: 'succeeded' | 'processing' | 'action_required' | 'declined' | 'canceled';
  readonly amountCents: number;
  readonly decline: Decline | null;
  /** With it the cardholder can confirm the payment in a browser; never stored, never logged. */
  readonly clientSecret: string | null;
}

export interface FixChargeOrder extends FixReference {
  readonly stripeCustomerId: string;
  readonly paymentMethodId: string;
  readonly amountCents: number;
  readonly idempotencyKey: string;
}

/** The refund of a second payment. */
export interface RefundOrder {
  readonly paymentIntentId: string;
  readonly attempt: number;
  readonly amountCents: number;
}

/** Payments for single fixes. */
export interface PaymentCalls {
  /** Null where there is none that can be charged, also for a customer who was deleted. */
  readDefaultCard(stripeCustomerId: string): Promise<DefaultCard | null>;
  /** Creates and confirms the payment, off-session. A decline is a payment too. */
  chargeFix(order: FixChargeOrder): Promise<FixPayment>;
  /** Null for a payment intent that is not for a fix. */
  readFixPayment(paymentIntentId: string): Promise<FixPayment | null>;
  /** The payments of a fix since a moment, found by their metadata. */
  findFixPayments(stripeCustomerId: string, fixAttemptId: string, since: Date): Promise<FixPayment[]>;
  /** Makes sure that it cannot be paid any more; answers how it is then, which can be `succeeded`. */
  cancelPayment(paymentIntentId: string): Promise<FixPayment | null>;
  /** Refunds a part of a payment, once for each attempt; returns the refund's id. */
  refundPayment(order: RefundOrder): Promise<string>;
  /** What was returned of a payment: all refunds, and what disputes withdrew. */
  readReturn(paymentIntentId: string): Promise<ReturnFacts>;
}
