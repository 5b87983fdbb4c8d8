import * as z from 'zod/mini';
import { isHandled } from './event-types.ts';

/** The versions whose events we read; the endpoint is created at one of them. */
const OUR_VERSION = /\.endive$/;

/** No more than what the table and an address of Stripe's take as it is: anything else would fail anew at every delivery. */
const stripeId = z.string().check(z.regex(/^[\w-]{1,255}$/));
const name = z.string().check(z.regex(/^[\x21-\x7e]{1,200}$/));
/** The last second of the year 9999. */
const MAX_SECONDS = 253_402_300_799;

const reference = z.union([stripeId, z.looseObject({ id: stripeId })]);
const optionalReference = z.optional(z.nullable(reference));

/** What every event has, whatever it is about. */
const Envelope = z.looseObject({
  id: z.string().check(z.regex(/^evt_\w{1,250}$/)),
  object: z.literal('event'),
  type: name,
  created: z.int().check(z.nonnegative(), z.maximum(MAX_SECONDS)),
  livemode: z.boolean(),
  api_version: z.optional(z.nullable(name)),
  data: z.looseObject({ object: z.unknown(), previous_attributes: z.optional(z.unknown()) }),
});
export type StripeEvent = z.output<typeof Envelope>;

/** Null for what is no event at all. */
export function parseEvent(value: unknown): StripeEvent | null {
  const parsed = Envelope.safeParse(value);
  return parsed.success ? parsed.data : null;
}

/** Whether the event is told in a version whose shapes we know. */
export const isOurVersion = ({ api_version: version }: StripeEvent): boolean =>
  OUR_VERSION.test(version ?? '');

/** Only identities: how things are is asked of Stripe, for an event is a picture of how they were. */
const Subject = z.looseObject({
  id: stripeId,
  customer: optionalReference,
  charge: optionalReference,
});

export type EventSubject =
  /** The customer's card or subscription changed. */
  | { readonly kind: 'account'; readonly stripeCustomerId: string }
  | { readonly kind: 'failed_invoice'; readonly invoiceId: string; readonly stripeCustomerId: string }
  | { readonly kind: 'paid_invoice'; readonly invoiceId: string; readonly stripeCustomerId: string }
  | { readonly kind: 'payment'; readonly paymentIntentId: string; readonly stripeCustomerId: string | null }
  | { readonly kind: 'returned_money'; readonly chargeId: string }
  /** The customer, where the event still names them. */
  | {
      readonly kind: 'detached_card';
      readonly paymentMethodId: string;
      readonly stripeCustomerId: string | null;
    }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'unreadable' };

/** What an event is about; `nothing` for a type that changes nothing here. */
export function subjectOf({ type, data }: StripeEvent): EventSubject {
  if (!isHandled(type)) return { kind: 'nothing' };
  const parsed = Subject.safeParse(data.object);
  if (!parsed.success) return UNREADABLE;
  const { id } = parsed.data;
  const customer = idOf(parsed.data.customer);
  const charge = idOf(parsed.data.charge);
  switch (type) {
    case 'invoice.paid':
      return customer === null
        ? UNREADABLE
        : { kind: 'paid_invoice', invoiceId: id, stripeCustomerId: customer };
    case 'invoice.payment_failed':
      return customer === null
        ? UNREADABLE
        : { kind: 'failed_invoice', invoiceId: id, stripeCustomerId: customer };
    case 'customer.subscription.created':
    case 'customer.subscription.updated':
    case 'customer.subscription.deleted':
    case 'customer.subscription.paused':
    case 'customer.subscription.resumed':
      return customer === null ? UNREADABLE : { kind: 'account', stripeCustomerId: customer };
    case 'customer.deleted':
      return { kind: 'account', stripeCustomerId: id };
    case 'payment_intent.succeeded':
    case 'payment_intent.payment_failed':
      return { kind: 'payment', paymentIntentId: id, stripeCustomerId: customer };
    case 'charge.refunded':
      return { kind: 'returned_money', chargeId: id };
    case 'refund.updated':
    case 'refund.failed':
    case 'charge.dispute.created':
    case 'charge.dispute.closed':
      return charge === null ? UNREADABLE : { kind: 'returned_money', chargeId: charge };
    case 'payment_method.detached':
      return {
        kind: 'detached_card',
        paymentMethodId: id,
        stripeCustomerId: customer ?? formerCustomer(data),
      };
    default:
      return type satisfies never;
  }
}

/** What an event names, for the record. */
export function objectIdOf({ data }: StripeEvent): string | null {
  const parsed = Subject.safeParse(data.object);
  return parsed.success ? parsed.data.id : null;
}

/** Whether what an event is about is this customer, or is theirs. */
export function isAbout({ data }: StripeEvent, stripeCustomerId: string): boolean {
  const parsed = Subject.safeParse(data.object);
  if (!parsed.success) return false;
  return parsed.data.id === stripeCustomerId || idOf(parsed.data.customer) === stripeCustomerId;
}

const UNREADABLE = { kind: 'unreadable' } as const;

const Former = z.looseObject({ customer: optionalReference });

/** A detached method names no customer any more; the change itself may. */
function formerCustomer(data: StripeEvent['data']): string | null {
  const parsed = Former.safeParse(data.previous_attributes);
  return parsed.success ? idOf(parsed.data.customer) : null;
}

function idOf(value: z.output<typeof optionalReference>): string | null {
  if (value === null || value === undefined) return null;
  return typeof value === 'string' ? value : value.id;
}
