import * as z from 'zod/mini';
import { lookUp } from '../look-up.ts';
import { type SubjectSource, sourceOf } from './event-types.ts';

/** The API versions whose events we read. The endpoint uses one of them. */
const OUR_VERSION = /\.endive$/;

/** Only what the table and a Stripe URL accept unchanged. Anything else would fail at every delivery. */
const stripeId = z.string().check(z.regex(/^[\w-]{1,255}$/));
const name = z.string().check(z.regex(/^[\x21-\x7e]{1,200}$/));
/** The last second of the year 9999. */
const MAX_SECONDS = 253_402_300_799;

const reference = z.union([stripeId, z.looseObject({ id: stripeId })]);
const optionalReference = z.optional(z.nullable(reference));

/** The fields of every event. */
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

/** Null for a value that is not an event. */
export function parseEvent(value: unknown): StripeEvent | null {
  const parsed = Envelope.safeParse(value);
  return parsed.success ? parsed.data : null;
}

/** Whether the event's API version is one whose shapes we know. */
export const isOurVersion = ({ api_version: version }: StripeEvent): boolean =>
  OUR_VERSION.test(version ?? '');

/**
 * What is wrong with the endpoint that sent an event; null if the event looks like one from an endpoint of
 * `npm run stripe:setup`. An endpoint made by hand may lack types that matter.
 */
export function endpointFault(event: {
  readonly object: string;
  readonly type: string;
  readonly api_version?: unknown;
}): string | null {
  const { object, type, api_version: version } = event;
  if (object !== 'event') return 'it sends thin events';
  if (!OUR_VERSION.test(typeof version === 'string' ? version : '')) {
    return `its API version is ${typeof version === 'string' ? version : 'none'}`;
  }
  return type === 'invoice.payment_succeeded' ? 'it is subscribed to invoice.payment_succeeded' : null;
}

/** Identities only. An event shows past state, so current state is read from Stripe. */
const Subject = z.looseObject({
  id: stripeId,
  customer: optionalReference,
  charge: optionalReference,
  payment_intent: optionalReference,
  invoice: optionalReference,
});

export type EventSubject =
  /** The customer's card or subscription changed. */
  | { readonly kind: 'account'; readonly stripeCustomerId: string }
  /** The customer changed; perhaps their default card did. */
  | {
      readonly kind: 'customer_changed';
      readonly stripeCustomerId: string;
      /** The event names another default card. */
      readonly newCard: boolean;
    }
  | {
      readonly kind: 'failed_invoice';
      readonly invoiceId: string;
      readonly stripeCustomerId: string;
      /** ISO 8601, by Stripe's clock. */
      readonly failedAt: string;
    }
  /** An invoice changed, or its payments or refunds did. */
  | { readonly kind: 'invoice'; readonly invoiceId: string; readonly stripeCustomerId: string }
  | { readonly kind: 'payment'; readonly paymentIntentId: string; readonly stripeCustomerId: string | null }
  /** Null for a refund of money that no charge brought, such as a bank transfer. */
  | { readonly kind: 'returned_money'; readonly chargeId: string | null }
  /** The customer, if the event names one. */
  | {
      readonly kind: 'detached_card';
      readonly paymentMethodId: string;
      readonly stripeCustomerId: string | null;
    }
  /** A customer confirmed a card on a page of Stripe. Null for a session of other products without one. */
  | { readonly kind: 'card_session'; readonly stripeCustomerId: string | null }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'unreadable' };

/** The ids that an event's object names. */
interface Names {
  readonly id: string;
  /** When the event was made, in ISO 8601. */
  readonly at: string;
  readonly customer: string | null;
  readonly charge: string | null;
  /** Stripe says that neither a charge nor a payment intent belongs to it. */
  readonly isChargeless: boolean;
  readonly invoice: string | null;
  /** The customer before the change, if the object names none any more. */
  readonly formerCustomer: string | null;
  /** Whether the customer's default card changed. */
  readonly newCard: boolean;
}

const UNREADABLE = { kind: 'unreadable' } as const;

/** From the names in an object to the event's subject, by source. */
const SUBJECTS: Readonly<Record<SubjectSource, (names: Names) => EventSubject>> = {
  invoice: ({ id, customer }) =>
    customer === null ? UNREADABLE : { kind: 'invoice', invoiceId: id, stripeCustomerId: customer },
  of_invoice: ({ invoice, customer }) =>
    invoice === null || customer === null
      ? UNREADABLE
      : { kind: 'invoice', invoiceId: invoice, stripeCustomerId: customer },
  failed_invoice: ({ id, customer, at }) =>
    customer === null
      ? UNREADABLE
      : { kind: 'failed_invoice', invoiceId: id, stripeCustomerId: customer, failedAt: at },
  customer: ({ id }) => ({ kind: 'account', stripeCustomerId: id }),
  customer_changed: ({ id, newCard }) => ({ kind: 'customer_changed', stripeCustomerId: id, newCard }),
  of_customer: ({ customer }) =>
    customer === null ? UNREADABLE : { kind: 'account', stripeCustomerId: customer },
  payment: ({ id, customer }) => ({ kind: 'payment', paymentIntentId: id, stripeCustomerId: customer }),
  charge: ({ id }) => ({ kind: 'returned_money', chargeId: id }),
  of_charge: ({ charge }) => (charge === null ? UNREADABLE : { kind: 'returned_money', chargeId: charge }),
  refund: ({ charge, isChargeless }) =>
    charge === null && !isChargeless ? UNREADABLE : { kind: 'returned_money', chargeId: charge },
  card_session: ({ customer }) => ({ kind: 'card_session', stripeCustomerId: customer }),
  detached_card: ({ id, customer, formerCustomer }) => ({
    kind: 'detached_card',
    paymentMethodId: id,
    stripeCustomerId: customer ?? formerCustomer,
  }),
};

/** The subject of an event; `nothing` for a type that changes nothing here. */
export function subjectOf({ type, created, data }: StripeEvent): EventSubject {
  const source = sourceOf(type);
  if (source === null) return { kind: 'nothing' };
  const parsed = Subject.safeParse(data.object);
  if (!parsed.success) return UNREADABLE;
  const { id, customer, charge, payment_intent: intent, invoice } = parsed.data;
  return SUBJECTS[source]({
    id,
    at: new Date(created * 1000).toISOString(),
    customer: idOf(customer),
    charge: idOf(charge),
    // A field that is missing says nothing: then the shape is unknown.
    isChargeless: charge === null && intent === null,
    invoice: idOf(invoice),
    formerCustomer: formerCustomer(data),
    newCard: changedCard(data),
  });
}

/** The id of the event's object, for the record. */
export function objectIdOf({ data }: StripeEvent): string | null {
  const parsed = Subject.safeParse(data.object);
  return parsed.success ? parsed.data.id : null;
}

/**
 * The field with the amount, by kind of object. A charge has the paid amount and, after a refund, the
 * refunded one.
 */
const AMOUNTS: Readonly<Record<string, string>> = {
  invoice: 'total',
  payment_intent: 'amount',
  charge: 'amount',
  refund: 'amount',
  dispute: 'amount',
  credit_note: 'amount',
};

const Money = z.looseObject({
  object: z.string(),
  currency: z.string().check(z.regex(/^[a-z]{3}$/)),
});

export interface EventMoney {
  /** In the smallest unit of the currency. */
  readonly amount: number | null;
  readonly currency: string | null;
}

/** Amount and currency of the event's object, for the record; null for an object without them. */
export function moneyOf({ type, data }: StripeEvent): EventMoney {
  const parsed = Money.safeParse(data.object);
  if (!parsed.success) return NO_MONEY;
  const { object, currency, ...facts } = parsed.data;
  const field = type === 'charge.refunded' ? 'amount_refunded' : lookUp(AMOUNTS, object);
  const amount = field === undefined ? undefined : facts[field];
  return Number.isSafeInteger(amount) ? { amount: Number(amount), currency } : NO_MONEY;
}

const NO_MONEY: EventMoney = { amount: null, currency: null };

/** Whether the event's object is this customer or belongs to this customer. */
export function isAbout({ data }: StripeEvent, stripeCustomerId: string): boolean {
  const parsed = Subject.safeParse(data.object);
  if (!parsed.success) return false;
  return parsed.data.id === stripeCustomerId || idOf(parsed.data.customer) === stripeCustomerId;
}

const CardBefore = z.looseObject({
  default_source: z.optional(z.unknown()),
  invoice_settings: z.optional(z.looseObject({ default_payment_method: z.optional(z.unknown()) })),
});

/** Stripe names the replaced value; it is null if there was no card before. */
function changedCard(data: StripeEvent['data']): boolean {
  const parsed = CardBefore.safeParse(data.previous_attributes);
  if (!parsed.success) return false;
  const { default_source: source, invoice_settings: settings } = parsed.data;
  return source !== undefined || settings?.default_payment_method !== undefined;
}

const Former = z.looseObject({ customer: optionalReference });

/** A detached payment method no longer names its customer. `previous_attributes` may still name it. */
function formerCustomer(data: StripeEvent['data']): string | null {
  const parsed = Former.safeParse(data.previous_attributes);
  return parsed.success ? idOf(parsed.data.customer) : null;
}

function idOf(value: z.output<typeof optionalReference>): string | null {
  if (value === null || value === undefined) return null;
  return typeof value === 'string' ? value : value.id;
}
