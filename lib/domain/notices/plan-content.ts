/** A failed renewal payment. Fields that may be null are unknown in notices of earlier releases. */
interface UnpaidRenewal {
  readonly invoiceId: string;
  /** The number that is printed on the invoice. */
  readonly invoiceNumber: string | null;
  readonly amountCents: number;
  /** When the Pro rate ends if no payment arrives; null if it has ended. */
  readonly rateEndsAt: string | null;
}

/** A paid Pro invoice that granted credits. */
interface ProPaid {
  readonly amountCents: number;
  readonly credits: number;
  /** The part of these credits that paid off a debt. */
  readonly netted: number;
  /** The balance afterwards. */
  readonly left: number;
  /** The end of the period; null if the subscription ends then, or the end is unknown. */
  readonly renewsAt: string | null;
}

/** The Pro subscription. Amounts in US cents, times in ISO 8601. */
export type PlanNoticeContent =
  | ({
      readonly kind: 'payment_failed';
      readonly attempt: number;
      /** Null if Stripe does not retry automatically. */
      readonly nextAttemptAt: string | null;
      /** Stripe's decline code; null if unknown. */
      readonly declineCode: string | null;
      /** Credits that were left at the time. */
      readonly credits: number | null;
    } & UnpaidRenewal)
  | ({ readonly kind: 'renewal_approval' } & UnpaidRenewal)
  /** The Pro rate of an unpaid subscription ends soon. */
  | { readonly kind: 'grace_ending'; readonly rateEndsAt: string }
  | ({ readonly kind: 'pro_started' } & ProPaid)
  | ({ readonly kind: 'pro_renewed' } & ProPaid)
  | {
      readonly kind: 'pro_cancelled';
      /** When Pro ends; null if unknown. */
      readonly endsAt: string | null;
      readonly credits: number;
    }
  | { readonly kind: 'pro_resumed'; readonly renewsAt: string | null }
  | {
      readonly kind: 'subscription_ended';
      readonly subscriptionId: string;
      /** Ended for lack of payment, not by cancellation. */
      readonly unpaid: boolean;
      /** Cancelled with immediate effect. */
      readonly atOnce: boolean;
      readonly credits: number;
    };
