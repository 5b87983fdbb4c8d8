/**
 * The events that change something here; the webhook endpoint is created for exactly these. `invoice.payment_succeeded`
 * is not among them: `invoice.paid` says the same and more (money that went past Stripe).
 */
export const HANDLED_EVENT_TYPES = [
  'invoice.paid',
  'invoice.payment_failed',
  'customer.subscription.created',
  'customer.subscription.updated',
  'customer.subscription.deleted',
  'customer.subscription.paused',
  'customer.subscription.resumed',
  'payment_intent.succeeded',
  'payment_intent.payment_failed',
  'charge.refunded',
  'refund.updated',
  'refund.failed',
  'charge.dispute.created',
  'charge.dispute.closed',
  'payment_method.detached',
  'customer.deleted',
] as const;
export type HandledEventType = (typeof HANDLED_EVENT_TYPES)[number];

const HANDLED: ReadonlySet<string> = new Set(HANDLED_EVENT_TYPES);

export const isHandled = (type: string): type is HandledEventType => HANDLED.has(type);
