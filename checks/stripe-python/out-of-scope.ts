interface OutOfScope {
  readonly why: string;
  /** Whether the check still tries, so that it notices when the kind fits after all. */
  readonly isTried: boolean;
}

/** Kinds of objects that dj-stripe asks for and the stand-in does not have to answer. */
export const OUT_OF_SCOPE: Readonly<Record<string, OutOfScope>> = {
  AccountV2: {
    why: 'dj-stripe asks for it at Stripe itself, whatever host is set.',
    isTried: false,
  },
  ActiveEntitlement: {
    why: 'dj-stripe lists it without the customer that Stripe requires.',
    isTried: true,
  },
  TaxId: {
    why: 'dj-stripe sends a parameter `id` that Stripe does not have.',
    isTried: true,
  },
};
