interface OutOfScope {
  readonly why: string;
  /** Whether the check still tries the kind, to notice when it works. */
  readonly isTried: boolean;
}

/** Kinds of objects that dj-stripe requests and the stand-in need not support. */
export const OUT_OF_SCOPE: Readonly<Record<string, OutOfScope>> = {
  AccountV2: {
    why: 'dj-stripe always reads it from Stripe itself and ignores the configured host.',
    isTried: false,
  },
  ActiveEntitlement: {
    why: 'dj-stripe lists it without the customer parameter, which Stripe requires.',
    isTried: true,
  },
  TaxId: {
    why: 'dj-stripe sends a parameter `id` that Stripe does not have.',
    isTried: true,
  },
};
