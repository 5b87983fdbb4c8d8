import * as z from 'zod/mini';
import { type SubjectSource, sourceOf } from './event-types.ts';

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

/**
 * What an event says about the endpoint that it came through; null for one as an endpoint made by `npm run stripe:setup` sends.
 * Such an endpoint was set up by hand: it may lack types that matter.
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

/** Only identities: how things are is asked of Stripe, for an event is a picture of how they were. */
const Subject = z.looseObject({
  id: stripeId,
  customer: optionalReference,
  charge: optionalReference,
  invoice: optionalReference,
});

export type EventSubject =
  /** The customer's card or subscription changed. */
  | { readonly kind: 'account'; readonly stripeCustomerId: string }
  /** The customer themselves changed: their default card may be another one. */
  | {
      readonly kind: 'customer_changed';
      readonly stripeCustomerId: string;
      /** The event says that the default card is another one. */
      readonly newCard: boolean;
    }
  | {
      readonly kind: 'failed_invoice';
      readonly invoiceId: string;
      readonly stripeCustomerId: string;
      /** ISO 8601, by Stripe's clock. */
      readonly failedAt: string;
    }
  /** An invoice changed, or what was paid or returned of it. */
  | { readonly kind: 'invoice'; readonly invoiceId: string; readonly stripeCustomerId: string }
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

/** Who and what an event's object names. */
interface Names {
  readonly id: string;
  /** When the event was made, in ISO 8601. */
  readonly at: string;
  readonly customer: string | null;
  readonly charge: string | null;
  readonly invoice: string | null;
  /** The customer before the change, where the object names none any more. */
  readonly formerCustomer: string | null;
  /** Whether the change was one of the customer's default card. */
  readonly newCard: boolean;
}

const UNREADABLE = { kind: 'unreadable' } as const;

/** From what an object names to what its event is about, for each source. */
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
  detached_card: ({ id, customer, formerCustomer }) => ({
    kind: 'detached_card',
    paymentMethodId: id,
    stripeCustomerId: customer ?? formerCustomer,
  }),
};

/** What an event is about; `nothing` for a type that changes nothing here. */
export function subjectOf({ type, created, data }: StripeEvent): EventSubject {
  const source = sourceOf(type);
  if (source === null) return { kind: 'nothing' };
  const parsed = Subject.safeParse(data.object);
  if (!parsed.success) return UNREADABLE;
  const { id, customer, charge, invoice } = parsed.data;
  return SUBJECTS[source]({
    id,
    at: new Date(created * 1000).toISOString(),
    customer: idOf(customer),
    charge: idOf(charge),
    invoice: idOf(invoice),
    formerCustomer: formerCustomer(data),
    newCard: changedCard(data),
  });
}

/** What an event names, for the record. */
export function objectIdOf({ data }: StripeEvent): string | null {
  const parsed = Subject.safeParse(data.object);
  return parsed.success ? parsed.data.id : null;
}

/** Where an object of a kind says what money it is about. A charge says what was paid, and when money went back, how much. */
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

/** The amount and the currency that an event's object names, for the record; null for an object without any. */
export function moneyOf({ type, data }: StripeEvent): EventMoney {
  const parsed = Money.safeParse(data.object);
  if (!parsed.success) return NO_MONEY;
  const { object, currency, ...facts } = parsed.data;
  const field = type === 'charge.refunded' ? 'amount_refunded' : AMOUNTS[object];
  const amount = field === undefined ? undefined : facts[field];
  return Number.isSafeInteger(amount) ? { amount: Number(amount), currency } : NO_MONEY;
}

const NO_MONEY: EventMoney = { amount: null, currency: null };

/** Whether what an event is about is this customer, or is theirs. */
export function isAbout({ data }: StripeEvent, stripeCustomerId: string): boolean {
  const parsed = Subject.safeParse(data.object);
  if (!parsed.success) return false;
  return parsed.data.id === stripeCustomerId || idOf(parsed.data.customer) === stripeCustomerId;
}

const CardBefore = z.looseObject({
  default_source: z.optional(z.unknown()),
  invoice_settings: z.optional(z.looseObject({ default_payment_method: z.optional(z.unknown()) })),
});

/** Stripe names what a change replaced; null for a card where there was none. */
function changedCard(data: StripeEvent['data']): boolean {
  const parsed = CardBefore.safeParse(data.previous_attributes);
  if (!parsed.success) return false;
  const { default_source: source, invoice_settings: settings } = parsed.data;
  return source !== undefined || settings?.default_payment_method !== undefined;
}

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
