/**
 * What a cardholder agrees to when adding a card. A new text is a new version; stored consents keep theirs.
 */
export const BILLING_CONSENT = {
  version: '2026-12-01',
  text: 'The cardholder agrees that merged fixes are charged when no credits are left.',
} as const;

/** How a consent reached the service. */
export interface ConsentOrigin {
  /** The caller's IP address as the gateway saw it. */
  readonly sourceIp: string;
  /** As the caller sent it, shortened; null if absent. */
  readonly userAgent: string | null;
  /** The API key or the page that the consent came from. */
  readonly by:
    | { readonly kind: 'api_key'; readonly keyId: string }
    | { readonly kind: 'page'; readonly page: string };
}

/** A cardholder's consent to be charged: evidence in a dispute. */
export interface BillingConsent extends ConsentOrigin {
  readonly paymentMethodId: string;
  /** When the card was added with this consent, in ISO 8601. */
  readonly givenAt: string;
  readonly version: string;
  readonly text: string;
}

/** A consent to the current text. */
export const billingConsent = (paymentMethodId: string, origin: ConsentOrigin, at: Date): BillingConsent => ({
  ...origin,
  ...BILLING_CONSENT,
  paymentMethodId,
  givenAt: at.toISOString(),
});
