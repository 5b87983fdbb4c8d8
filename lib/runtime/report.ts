import type { GrantSource } from '../domain/ledger.ts';
import { LARGE_GRANT_CREDITS } from '../domain/pricing.ts';
import type { ProblemCode } from '../errors.ts';
import type { BusinessEvent, BusinessFacts, BusinessKind } from './business-events.ts';
import { type BusinessMetric, countBusiness, loggableError, logger } from './observe.ts';

/* Maps each business event to its metrics and its log line. A new event is a row of the table. */

interface Row<Facts> {
  readonly metrics?: (facts: Facts) => readonly BusinessMetric[];
  /** Metrics that count a number of the event, even if it is 0. */
  readonly counts?: readonly (readonly [BusinessMetric, (facts: Facts) => number])[];
  /** Metrics with their values, if the facts decide which metrics. */
  readonly values?: (facts: Facts) => readonly (readonly [BusinessMetric, number])[];
  /** Absent if the request's own log line is enough. */
  readonly line?: Line | ((facts: Facts) => Line);
}

interface Line {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
}

type Table = { readonly [K in BusinessKind]: Row<BusinessFacts[K]> };

const OUTCOMES = {
  processed: 'EventProcessed',
  duplicate: 'EventIgnored',
  ignored: 'EventIgnored',
  parked: 'EventParked',
} as const;

/** A run that could not ask is not completed. */
const PROBES = {
  passed: ['ProbeCompleted'],
  failed: ['ProbeCompleted', 'ProbeFailed'],
  undecided: [],
} as const satisfies Record<BusinessFacts['probe_ended']['outcome'], readonly BusinessMetric[]>;

/** Outcomes of subscription payments. Stripe collects them itself, so only its events report them. */
const PAYMENTS: ReadonlyMap<string, BusinessMetric> = new Map([
  ['invoice.paid', 'InvoicePaid'],
  ['invoice.payment_failed', 'InvoiceFailed'],
]);

function receivedMetrics({ outcome, type }: BusinessFacts['event_received']): BusinessMetric[] {
  const payment = outcome === 'processed' ? PAYMENTS.get(type) : undefined;
  return [OUTCOMES[outcome], ...(payment === undefined ? [] : [payment])];
}

const CREDITS: Readonly<Record<GrantSource, BusinessMetric>> = {
  trial_signup: 'TrialCredits',
  trial_billing_added: 'CardBonusCredits',
  pro_subscription_payment: 'ProCredits',
  adjustment: 'AdjustedCredits',
};

/** Any other code is an invalid request. */
const SIGN_UPS: Partial<Record<ProblemCode, BusinessMetric>> = {
  email_taken: 'SignUpTaken',
  disposable_email: 'SignUpDisposable',
  rate_limited: 'SignUpLimited',
};

const always =
  (...metrics: readonly BusinessMetric[]) =>
  () =>
    metrics;

const info = (message: string) => ({ level: 'info', message }) as const;
const warn = (message: string) => ({ level: 'warn', message }) as const;
const error = (message: string) => ({ level: 'error', message }) as const;

const eventLine = ({ outcome }: BusinessFacts['event_received']): Line =>
  outcome === 'parked' ? warn('event') : info('event');

const TABLE: Table = {
  customer_onboarded: { metrics: always('CustomerOnboarded') },
  address_changed: { line: info('address_changed') },
  closing_asked: { line: warn('closing_asked') },
  closing_withdrawn: { line: info('closing_withdrawn') },
  fix_billed: { metrics: always('FixBilled') },
  fix_blocked: { metrics: always('FixBlocked') },
  fix_unrecorded: { metrics: always('FixUnrecorded'), line: warn('fix_unrecorded') },
  fix_charged: {
    metrics: always('FixCharged'),
    counts: [['FixCents', ({ amountCents }) => amountCents]],
    line: info('fix_charged'),
  },
  charge_declined: { metrics: always('ChargeDeclined'), line: info('charge_declined') },
  paid_above_limit: { metrics: always('PaidAboveLimit'), line: warn('paid_above_limit') },
  double_payment_returned: {
    metrics: always('DoublePaymentReturned'),
    line: warn('double_payment_returned'),
  },
  payment_method_added: { metrics: always('PaymentMethodAdded') },
  paid_at_unknown_price: { metrics: always('UnknownPrice'), line: error('paid at an unknown price') },
  pro_subscribed: { metrics: always('ProSubscribed') },
  pro_set_to_end: { metrics: always('ProSetToEnd'), line: info('pro_set_to_end') },
  pro_ended: {
    metrics: ({ how }) => (how === 'now' ? ['ProEnded', 'ProCancelledNow'] : ['ProEnded']),
    line: info('pro_ended'),
  },
  invoice_collected: {
    values: ({ isFirst, paidCents }) => [[isFirst ? 'OrderCents' : 'RenewalCents', paidCents]],
    line: info('invoice_collected'),
  },
  credits_granted: { values: ({ source, credits }) => [[CREDITS[source], credits]] },
  sign_up_refused: { metrics: ({ code }) => [SIGN_UPS[code] ?? 'SignUpInvalid'] },
  key_calls_not_counted: { line: warn('calls of a key not counted') },
  rate_limited: { metrics: always('RateLimited') },
  stripe_called: {
    values: ({ durationsMs }) => durationsMs.map((ms) => ['StripeDuration', ms] as const),
    counts: [['StripeRetries', ({ retries }) => retries]],
  },
  stripe_email_refused: { metrics: always('StripeEmailRefused'), line: warn('stripe_email_refused') },
  credits_adjusted: {
    metrics: ({ amount }) =>
      amount > LARGE_GRANT_CREDITS ? ['CreditsAdjusted', 'LargeGrant'] : ['CreditsAdjusted'],
  },
  parameter_stale: { metrics: always('ParameterStale'), line: warn('parameter not refreshed') },
  key_accepted: {
    metrics: ({ isRefused }) => (isRefused ? ['KeyAccepted', 'RequestRefused'] : ['KeyAccepted']),
  },
  key_refused: { metrics: always('KeyRefused') },
  defect: { metrics: always('Defect') },
  signature_refused: { metrics: always('SignatureRefused') },
  event_received: { metrics: receivedMetrics, line: eventLine },
  event_failed: { metrics: always('EventFailed') },
  endpoint_misconfigured: { metrics: always('EndpointMisconfigured'), line: warn('webhook endpoint') },
  work_still_open: { metrics: always('PendingChargeFailed'), line: error('charge still pending') },
  work_measured: {
    metrics: always('SweeperCompleted'),
    counts: [
      ['OpenCharges', ({ gauges }) => gauges.fix.count],
      ['OldestCharge', ({ gauges }) => gauges.fix.oldestSeconds],
      ['OpenOrders', ({ gauges }) => gauges.order.count],
      ['OldestOrder', ({ gauges }) => gauges.order.oldestSeconds],
      ['OpenRenewals', ({ gauges }) => gauges.renewal.count],
      ['OldestRenewal', ({ gauges }) => gauges.renewal.oldestSeconds],
      ['OpenRefunds', ({ gauges }) => gauges.double_payment.count],
      ['OldestRefund', ({ gauges }) => gauges.double_payment.oldestSeconds],
      ['OpenCardSessions', ({ gauges }) => gauges.card_session.count],
      ['OldestCardSession', ({ gauges }) => gauges.card_session.oldestSeconds],
      ['OpenClosings', ({ gauges }) => gauges.closing.count],
      ['OldestClosing', ({ gauges }) => gauges.closing.oldestSeconds],
      ['ParkedEvents', ({ gauges }) => gauges.event.count],
      ['OldestParkedEvent', ({ gauges }) => gauges.event.oldestSeconds],
      ['DueWarnings', ({ gauges }) => gauges.head.count],
      ['OldestDueWarning', ({ gauges }) => gauges.head.oldestSeconds],
      ['UnsentNotices', ({ gauges }) => gauges.notice.count],
      ['OldestUnsentNotice', ({ gauges }) => gauges.notice.oldestSeconds],
      ['UnknownWork', ({ gauges }) => gauges.unknown.count],
    ],
  },
  work_settled: { line: info('settled') },
  sold_price_changed: { line: info('sold price changed') },
  sold_price_not_read: { line: error('sold price not read') },
  customer_not_warned: { line: error('customer not warned') },
  balances_warned: {
    metrics: always('WarningsCompleted'),
    counts: [
      ['LowBalanceWarned', ({ warned }) => warned],
      ['WarningFailed', ({ failed }) => failed],
    ],
    line: info('warned'),
  },
  notices_joined: { line: info('joined') },
  notices_not_joined: { metrics: always('NoticeFailed'), line: error('notices not joined') },
  notice_delivered: {
    metrics: ({ outcome }) => (outcome === 'sent' ? ['NoticeSent'] : []),
    line: info('notice'),
  },
  notice_not_delivered: { metrics: always('NoticeFailed'), line: error('notice not delivered') },
  probe_ended: {
    metrics: ({ outcome }) => PROBES[outcome],
    counts: [
      ['ProbeRequest', ({ requests }) => requests],
      ['ProbeFault', ({ faults }) => faults],
      ['ProbeCustomersLate', ({ lateRemovals }) => lateRemovals],
    ],
    line: ({ outcome }) => (outcome === 'passed' ? info : outcome === 'failed' ? error : warn)('probe'),
  },
  drift_found: { line: error('drift') },
  event_missed: { line: warn('missed event') },
  work_found_open: { line: warn('open work') },
  reconcile_completed: {
    counts: [
      ['Drift', ({ drift }) => drift],
      ['MissedEvent', ({ missed }) => missed],
    ],
    metrics: always('ReconcileCompleted'),
  },
  reconcile_answered: { line: info('reconcile') },
  reconcile_failed: { line: error('reconcile') },
};

/** Counts an event and writes its log line, as the table says. */
export const report = (event: BusinessEvent): void => reportEvent(event.kind, event);

function reportEvent<K extends BusinessKind>(kind: K, facts: BusinessFacts[K]): void {
  const { counts = [], values, metrics, line }: Row<BusinessFacts[K]> = TABLE[kind];
  countBusiness([
    ...counts.map(([metric, count]) => [metric, count(facts)] as const),
    ...(values?.(facts) ?? []),
    ...(metrics?.(facts) ?? []).map((metric) => [metric, 1] as const),
  ]);
  if (line === undefined) return;
  const { level, message } = typeof line === 'function' ? line(facts) : line;
  logger[level](message, logged(facts));
}

/** The facts by their names in the log. Errors are logged without what the SDKs attach to them. */
function logged(facts: object): Record<string, unknown> {
  const entries = Object.entries(facts).filter(([name]) => name !== 'kind');
  return Object.fromEntries(
    entries.map(([name, value]) => [
      NAMES.get(name) ?? snakeCase(name),
      name === 'error' ? loggableError(value) : value,
    ]),
  );
}

/** Facts that have always had another name in the log. */
const NAMES: ReadonlyMap<string, string> = new Map([['noticeKind', 'kind']]);

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
