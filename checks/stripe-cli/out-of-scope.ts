interface OutOfScope {
  readonly types: readonly string[];
  readonly why: string;
}

/** Names that the command line has for a course of events. There is no event of that name. */
export const COMPOSED: readonly string[] = ['subscription.payment_failed', 'subscription.payment_succeeded'];

/**
 * Triggers that need something of Stripe that the stand-in does not have, beside those that fail because of a call that it
 * does not serve. A row for a trigger that works fails the check.
 */
export const OUT_OF_SCOPE: readonly OutOfScope[] = [
  {
    types: [
      'checkout.session.async_payment_failed',
      'checkout.session.async_payment_succeeded',
      'checkout.session.completed',
      'checkout.session.expired',
    ],
    why: 'The CLI pays in Checkout. The stand-in has the setup mode only, because the service lets no money move there.',
  },
  {
    types: ['charge.captured', 'payment_intent.amount_capturable_updated'],
    why: 'The stand-in captures every payment at once.',
  },
  {
    types: ['payment_intent.partially_funded', 'payment_intent.processing'],
    why: 'The CLI pays by bank. The stand-in charges cards only.',
  },
  {
    types: ['balance.available', 'payout.created', 'payout.updated'],
    why: 'The stand-in pays nothing out, and nothing tells of its balance.',
  },
  {
    types: ['customer.discount.created', 'customer.discount.deleted', 'customer.discount.updated'],
    why: 'The CLI gives a coupon to a customer. The stand-in gives discounts to subscriptions and invoices.',
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
    why: 'The stand-in has neither quotes nor schedules. The CLI begins with a customer who has a `source`.',
  },
  {
    types: ['transfer.created', 'transfer.reversed', 'transfer.updated'],
    why: 'The stand-in connects no accounts, so nothing is transferred.',
  },
  {
    types: ['invoice.sent'],
    why: 'The CLI makes an invoice by hand with `collection_method`. The stand-in sends those of subscriptions.',
  },
];
