interface OutOfScope {
  readonly types: readonly string[];
  readonly why: string;
}

/** Names of triggers for a sequence of events. There is no event of that name. */
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
    types: ['balance.available', 'payout.created', 'payout.updated'],
    why: 'The stand-in makes no payouts and sends no events about its balance.',
  },
  {
    types: ['customer.discount.created', 'customer.discount.deleted', 'customer.discount.updated'],
    why: 'The CLI applies a coupon to a customer. The stand-in has discounts on subscriptions and invoices.',
  },
  {
    types: [
      'quote.accepted',
      'quote.canceled',
      'quote.created',
      'quote.finalized',
      'subscription_schedule.aborted',
      'subscription_schedule.canceled',
      'subscription_schedule.created',
      'subscription_schedule.released',
      'subscription_schedule.updated',
    ],
    why: 'The stand-in has neither quotes nor schedules. The CLI starts with a customer that has a `source`.',
  },
  {
    types: ['transfer.created', 'transfer.reversed', 'transfer.updated'],
    why: 'The stand-in has no connected accounts, so there are no transfers.',
  },
  {
    types: ['invoice.sent'],
    why: 'The CLI makes an invoice with `collection_method`. The stand-in sends subscription invoices only.',
  },
];
