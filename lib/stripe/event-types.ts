/** How an event's object names the subject of the event. */
export type SubjectSource =
  | 'invoice'
  | 'of_invoice'
  | 'failed_invoice'
  | 'customer'
  | 'customer_changed'
  | 'of_customer'
  | 'payment'
  | 'charge'
  | 'of_charge'
  | 'refund'
  | 'detached_card'
  | 'card_session';

/**
 * The events that change something here, and how each names its subject. The webhook endpoint gets exactly
 * these. `invoice.payment_succeeded` is left out: `invoice.paid` covers it, and payments outside Stripe too.
 * `invoice_payment.paid` is left out: a partial payment brings no credits, and its object names no customer.
 */
const HANDLED_EVENTS = {
  'invoice.paid': 'invoice',
  'invoice.finalized': 'invoice',
  'invoice.updated': 'invoice',
  'invoice.voided': 'invoice',
  'invoice.marked_uncollectible': 'invoice',
  'credit_note.created': 'of_invoice',
  'credit_note.updated': 'of_invoice',
  'credit_note.voided': 'of_invoice',
  'invoice.payment_failed': 'failed_invoice',
  'invoice.payment_action_required': 'failed_invoice',
  'customer.subscription.created': 'of_customer',
  'customer.subscription.updated': 'of_customer',
  'customer.subscription.deleted': 'of_customer',
  'customer.subscription.paused': 'of_customer',
  'customer.subscription.resumed': 'of_customer',
  'customer.subscription.trial_will_end': 'of_customer',
  'customer.subscription.pending_update_applied': 'of_customer',
  'customer.subscription.pending_update_expired': 'of_customer',
  'subscription_schedule.updated': 'of_customer',
  'subscription_schedule.canceled': 'of_customer',
  'subscription_schedule.released': 'of_customer',
  'subscription_schedule.aborted': 'of_customer',
  'payment_intent.succeeded': 'payment',
  'payment_intent.payment_failed': 'payment',
  'charge.refunded': 'charge',
  'refund.created': 'refund',
  'refund.updated': 'refund',
  'refund.failed': 'refund',
  'charge.dispute.created': 'of_charge',
  'charge.dispute.updated': 'of_charge',
  'charge.dispute.funds_withdrawn': 'of_charge',
  'charge.dispute.funds_reinstated': 'of_charge',
  'charge.dispute.closed': 'of_charge',
  'checkout.session.completed': 'card_session',
  'setup_intent.succeeded': 'card_session',
  'payment_method.detached': 'detached_card',
  'payment_method.attached': 'of_customer',
  'payment_method.automatically_updated': 'of_customer',
  'customer.updated': 'customer_changed',
  'customer.deleted': 'customer',
} as const satisfies Readonly<Record<string, SubjectSource>>;

export type HandledEventType = keyof typeof HANDLED_EVENTS;

const SOURCES: ReadonlyMap<string, SubjectSource> = new Map(Object.entries(HANDLED_EVENTS));

export const HANDLED_EVENT_TYPES: readonly HandledEventType[] = Object.keys(HANDLED_EVENTS).filter(isHandled);

export function isHandled(type: string): type is HandledEventType {
  return SOURCES.has(type);
}

/** Null for a type that changes nothing here. */
export const sourceOf = (type: string): SubjectSource | null => SOURCES.get(type) ?? null;
