import type { GrantSource } from '../domain/ledger.ts';
import type { ProEnding } from '../domain/subscription.ts';
import type { ProblemCode } from '../errors.ts';
import type { DueItem } from '../store/keys.ts';

/** Open work of one kind: the number of items, and the age of the oldest. Zero if there is none. */
export interface Gauge {
  readonly count: number;
  readonly oldestSeconds: number;
}

/**
 * By the kind of item. `head`: due low-balance warnings. `unknown`: what this release
 * cannot read, written by a newer one or manually.
 */
export type WorkGauges = Readonly<Record<DueItem['kind'], Gauge>>;

/** Business events for people and alarms, with their facts: ids, numbers and reasons, no personal data. */
export interface BusinessFacts {
  readonly customer_onboarded: { readonly customerId: string };
  /** The customer uses another e-mail address from now on. */
  readonly address_changed: { readonly customerId: string };
  /** Support closes the account. */
  readonly closing_asked: { readonly customerId: string };
  readonly closing_withdrawn: { readonly customerId: string };
  /** Billed with a credit. A settled charge is `fix_charged`. */
  readonly fix_billed: FixFacts;
  readonly fix_blocked: FixFacts & { readonly code: string };
  /** RSOLV-action could not name the repository: the fix is not recorded, so it is never billed. */
  readonly fix_unrecorded: { readonly customerId: string };
  readonly fix_charged: MoneyFacts;
  /** A card was declined, or its bank asks the cardholder to confirm. */
  readonly charge_declined: MoneyFacts;
  /** A payment exceeds the spending limit: it was late, or the refund of a second payment failed. */
  readonly paid_above_limit: MoneyFacts;
  /** A double payment was returned. */
  readonly double_payment_returned: MoneyFacts;
  readonly payment_method_added: { readonly customerId: string };
  /** Credits are missing until a person sets the price's credits and replays the event. */
  readonly paid_at_unknown_price: {
    readonly customerId: string;
    readonly invoiceId: string;
    readonly priceId: string;
  };
  readonly pro_subscribed: { readonly customerId: string };
  /** Pro will end with its period: the customer, or a person at Stripe, cancelled it. */
  readonly pro_set_to_end: { readonly customerId: string };
  readonly pro_ended: { readonly customerId: string; readonly how: Exclude<ProEnding, 'set_to_end'> };
  /** An invoice for Pro was paid, by our order, by our renewal, or by a try of Stripe itself. */
  readonly invoice_collected: {
    readonly customerId: string;
    readonly invoiceId: string;
    /** The first invoice of its subscription, which is an order. All later ones are renewals. */
    readonly isFirst: boolean;
    readonly paidCents: number;
  };
  readonly credits_granted: {
    readonly customerId: string;
    readonly source: GrantSource;
    readonly credits: number;
  };
  /** Stripe rejected a customer's e-mail address, so the Stripe customer has none. */
  readonly stripe_email_refused: { readonly customerId: string };
  readonly credits_adjusted: { readonly customerId: string; readonly amount: number };
  /** A parameter could not be refreshed. The value of at most a day ago stays in use. */
  readonly parameter_stale: { readonly parameter: string; readonly error: unknown };
  /** A request came with a valid key. `isRefused`: it was answered 403 or 422 nevertheless. */
  readonly key_accepted: { readonly isRefused: boolean };
  /** A request came without a valid key. */
  readonly key_refused: Nothing;
  /** A sign-up was refused. `code` is that of the problem. */
  readonly sign_up_refused: { readonly code: ProblemCode };
  /** A request was refused because its caller made too many. The request's own log line has the details. */
  readonly rate_limited: Nothing;
  /** The calls of a key could not be added to its limit. The request went on. */
  readonly key_calls_not_counted: { readonly error: unknown };
  /** The calls of one request to Stripe. */
  readonly stripe_called: { readonly durationsMs: readonly number[]; readonly retries: number };
  /** A request was answered with 500. The request's own log line has the details. */
  readonly defect: Nothing;
  /** A delivery with a wrong, outdated or unreadable signature. */
  readonly signature_refused: Nothing;
  readonly event_received: EventFacts & {
    readonly outcome: 'processed' | 'ignored' | 'parked' | 'duplicate';
    readonly customerId: string | null;
  };
  readonly event_failed: Nothing;
  /** Stripe sent an event that an endpoint made by `npm run stripe:setup` never receives. */
  readonly endpoint_misconfigured: EventFacts;
  /** Open work that the sweeper could not finish. The next run retries. */
  readonly work_still_open: { readonly work: unknown; readonly key: unknown; readonly error: unknown };
  /** A run of the sweeper ended. What it left open, by kind. */
  readonly work_measured: { readonly gauges: WorkGauges };
  readonly work_settled: { readonly settled: number; readonly waiting: number; readonly failed: number };
  /** A plan's price at Stripe has changed. Customers see the new price from now on. */
  readonly sold_price_changed: {
    readonly plan: string;
    readonly priceId: string;
    /** US cents. */
    readonly monthCents: number;
    readonly credits: number;
  };
  /** A plan's price could not be read or stored. Customers see the last known price. */
  readonly sold_price_not_read: { readonly plan: string; readonly error: unknown };
  readonly customer_not_warned: { readonly customerId: string; readonly error: unknown };
  readonly balances_warned: { readonly warned: number; readonly failed: number };
  /** A run that joins held notices ended. `digests`: letters that it put into the stream. */
  readonly notices_joined: { readonly digests: number; readonly failed: number };
  readonly notices_not_joined: { readonly customerId: string; readonly error: unknown };
  readonly notice_delivered: NoticeFacts & { readonly outcome: 'sent' | 'muted' | 'held' | 'already' };
  readonly notice_not_delivered: NoticeFacts & { readonly error: unknown };
  /** A run of the probe. `lateRemovals`: test customers that could not be removed for an hour. */
  readonly probe_ended: {
    readonly outcome: 'passed' | 'failed' | 'undecided';
    readonly findings: readonly string[];
    /** How many requests it made, and how many of them were answered 5xx. */
    readonly requests: number;
    readonly faults: number;
    readonly lateRemovals: number;
    readonly notRemoved: string | null;
  };
  readonly drift_found: RunFacts & {
    readonly customerId: string | null;
    readonly invariant: number | null;
    readonly seq: number | null;
    readonly finding: string;
  };
  readonly event_missed: RunFacts &
    EventFacts & { readonly outcome: string; readonly customerId: string | null };
  readonly work_found_open: RunFacts & {
    readonly customerId: string | null;
    readonly since: string | null;
    readonly finding: string;
  };
  readonly reconcile_completed: { readonly drift: number; readonly missed: number };
  readonly reconcile_answered: RunFacts & { readonly state: string; readonly verdict: string };
  readonly reconcile_failed: RunFacts & { readonly state: 'failed'; readonly error: unknown };
}

type Nothing = Readonly<Record<never, never>>;

interface FixFacts {
  readonly customerId: string;
  readonly fixAttemptId: string;
}

interface MoneyFacts extends FixFacts {
  /** Null if Stripe refused before creating one. */
  readonly paymentIntentId: string | null;
  /** US cents. */
  readonly amountCents: number;
}

interface EventFacts {
  readonly eventId: string;
  readonly type: string;
  readonly reason: string;
}

interface NoticeFacts {
  readonly customerId: string;
  readonly noticeKind: string;
  readonly noticeId: string;
}

interface RunFacts {
  readonly run: string;
}

export type BusinessKind = keyof BusinessFacts;

/** An event of one kind, or of any kind. */
export type BusinessEvent<K extends BusinessKind = BusinessKind> = {
  [One in K]: { readonly kind: One } & BusinessFacts[One];
}[K];

/** What happened to the money of a fix. */
export type MoneyEvent = BusinessEvent<
  'fix_charged' | 'charge_declined' | 'paid_above_limit' | 'double_payment_returned'
>;

/** Reports a business event to metrics and the log. Never throws. */
export type Report = (happened: BusinessEvent) => void;
