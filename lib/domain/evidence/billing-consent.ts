/** What a cardholder agrees to when they put a card on file. Another text is another version; given consents keep theirs. */
export const BILLING_CONSENT = {
  version: '2026-12-01',
  text: 'The cardholder agrees that merged fixes are charged when no credits are left.',
} as const;

/** How a consent reached the service. */
export interface ConsentOrigin {
  /** The caller's address as the gateway saw it. */
  readonly sourceIp: string;
  /** As the caller sent it, shortened; null where it sent none. */
  readonly userAgent: string | null;
  /** The API key, or the page, that it was given with. */
  readonly by:
    | { readonly kind: 'api_key'; readonly keyId: string }
    | { readonly kind: 'page'; readonly page: string };
}

/** That a cardholder agreed to be charged: evidence when they dispute a charge. */
export interface BillingConsent extends ConsentOrigin {
  readonly paymentMethodId: string;
  /** When the card was put on file with it, in ISO 8601. */
  readonly givenAt: string;
  readonly version: string;
  readonly text: string;
}

/** The consent to the text of today. */
export const billingConsent = (paymentMethodId: string, origin: ConsentOrigin, at: Date): BillingConsent => ({
  ...origin,
  ...BILLING_CONSENT,
  paymentMethodId,
  givenAt: at.toISOString(),
});
