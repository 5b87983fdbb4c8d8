interface OutOfScope {
  readonly types: readonly string[];
  readonly why: string;
}

/** Triggers of a sequence of events. No event has such a name. */
export const COMPOSED: readonly string[] = ['subscription.payment_failed', 'subscription.payment_succeeded'];

/**
 * Triggers that need a feature of Stripe that the stand-in does not have. Triggers that fail because of an
 * unsupported call are found automatically. The check fails if a row's trigger works.
 */
export const OUT_OF_SCOPE: readonly OutOfScope[] = [
  {
    types: [
      'checkout.session.async_payment_failed',
      'checkout.session.async_payment_succeeded',
      'checkout.session.completed',
      'checkout.session.expired',
    ],
    why: 'The CLI pays in Checkout. The stand-in has only the setup mode: the service moves no money there.',
  },
  {
    types: ['charge.captured', 'payment_intent.amount_capturable_updated'],
    why: 'The stand-in captures every payment at once.',
  },
  {
    types: ['payment_intent.partially_funded', 'payment_intent.processing'],
    why: 'The CLI pays from a bank account. The stand-in charges cards only.',
  },
  {
    types: ['customer.discount.created', 'customer.discount.deleted', 'customer.discount.updated'],
    why: 'The CLI applies a coupon to a customer. The stand-in has discounts on subscriptions and invoices.',
  },
  {
    types: ['transfer.created', 'transfer.reversed', 'transfer.updated'],
    why: 'The stand-in has no connected accounts, so there are no transfers.',
  },
];
