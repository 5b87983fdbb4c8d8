/** A limit of calls that the headers of a response announce. */
export interface CallLimit {
  /** Names the limit in headers and logs. Callers may rely on it. */
  readonly name: string;
  readonly limit: number;
  readonly windowSeconds: number;
}

/** A limit that the endpoint counts itself, before it does anything else. */
export interface CountedLimit extends CallLimit {
  /** The counter's name in the table. */
  readonly scope: string;
}

/** Per address. */
export const SIGN_UPS: CountedLimit = { name: 'sign-ups', scope: 'onboard', limit: 10, windowSeconds: 60 };

const HOUR = { limit: 20, windowSeconds: 60 * 60 } as const;
/** For calls that try a card: thieves test stolen cards by many tries. */
export const CARD_CALLS: CountedLimit = { name: 'cards', scope: 'card', ...HOUR };
export const BILLING_LINKS: CountedLimit = { name: 'billing-links', scope: 'billing-link', ...HOUR };
/** Per address of the caller. */
export const SIGN_INS: CountedLimit = { name: 'sign-ins', scope: 'sign-in', ...HOUR };
export const SUBSCRIPTION_CALLS: CountedLimit = { name: 'subscriptions', scope: 'subscription', ...HOUR };
/**
 * Per customer, per address of the caller, and per new address: each change asks an address that may be a
 * stranger's.
 */
export const ADDRESS_CHANGES: CountedLimit = {
  name: 'address-changes',
  scope: 'address',
  limit: 5,
  windowSeconds: 24 * 60 * 60,
};
/** Returns from Stripe's page, per address of the caller: each asks Stripe. */
export const CARD_RETURNS: CountedLimit = {
  name: 'card-returns',
  scope: 'card-return',
  limit: 60,
  windowSeconds: 60 * 60,
};
/** Pages that ask Stripe, per customer. */
export const STRIPE_PAGES: CountedLimit = {
  name: 'pages',
  scope: 'page',
  limit: 120,
  windowSeconds: 60 * 60,
};
/** Letters' links to Stripe's page of an invoice, per customer. */
export const LETTER_LINKS: CountedLimit = { name: 'letter-links', scope: 'letter', ...HOUR };
/** Returns from the cardholder's bank. Per address of the caller. */
export const APPROVAL_RETURNS: CountedLimit = { name: 'returns', scope: 'return', ...HOUR };
/** Each new key sends a letter. */
export const KEYS_ISSUED: CountedLimit = { name: 'keys', scope: 'keys', ...HOUR };

/** The name of the limit of all calls with one key. */
export const KEY_LIMIT = 'key';
