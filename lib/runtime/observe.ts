import { BillingError } from '../errors.ts';
import { mappedStack } from './mapped-stack.ts';
import { loggerOf, outputSettings, writeCounts } from './output.ts';

const settings = outputSettings(process.env);
export const logger = loggerOf(settings);

export type BusinessMetric =
  | 'CustomerOnboarded'
  | 'FixBilled'
  | 'FixCharged'
  | 'PaidAboveLimit'
  | 'DoublePaymentReturned'
  | 'FixBlocked'
  | 'FixUnrecorded'
  | 'ChargeDeclined'
  | 'PaymentMethodAdded'
  | 'ProSubscribed'
  | 'ProSetToEnd'
  | 'ProCancelledNow'
  | 'ProEnded'
  | 'FixCents'
  | 'OrderCents'
  | 'RenewalCents'
  | 'TrialCredits'
  | 'CardBonusCredits'
  | 'ProCredits'
  | 'AdjustedCredits'
  | 'SignUpTaken'
  | 'SignUpDisposable'
  | 'SignUpLimited'
  | 'SignUpInvalid'
  | 'StripeEmailRefused'
  | 'UnknownPrice'
  | 'InvoicePaid'
  | 'InvoiceFailed'
  | 'EventProcessed'
  | 'EventIgnored'
  | 'EventParked'
  | 'EventFailed'
  | 'SignatureRefused'
  | 'EndpointMisconfigured'
  | 'PendingChargeFailed'
  | 'SweeperCompleted'
  | 'WarningsCompleted'
  | 'OpenCharges'
  | 'OldestCharge'
  | 'OpenOrders'
  | 'OldestOrder'
  | 'OpenRenewals'
  | 'OldestRenewal'
  | 'OpenRefunds'
  | 'OldestRefund'
  | 'OpenCardSessions'
  | 'OldestCardSession'
  | 'OpenClosings'
  | 'OldestClosing'
  | 'ParkedEvents'
  | 'OldestParkedEvent'
  | 'DueWarnings'
  | 'OldestDueWarning'
  | 'UnsentNotices'
  | 'OldestUnsentNotice'
  | 'UnknownWork'
  | 'CreditsAdjusted'
  | 'LargeGrant'
  | 'LowBalanceWarned'
  | 'WarningFailed'
  | 'NoticeSent'
  | 'NoticeFailed'
  | 'Drift'
  | 'MissedEvent'
  | 'ReconcileCompleted'
  | 'ProbeCompleted'
  | 'ProbeFailed'
  | 'ProbeCustomersLate'
  | 'ProbeRequest'
  | 'ProbeFault'
  | 'ParameterStale'
  | 'KeyAccepted'
  | 'KeyRefused'
  | 'RequestRefused'
  | 'RateLimited'
  | 'StripeDuration'
  | 'StripeRetries'
  | 'Defect';

/** Metrics that are no counts. */
const UNITS: Partial<Record<BusinessMetric, string>> = { StripeDuration: 'Milliseconds' };

/** Counted for each version too, so that a canary can be compared with the version before. */
const OF_VERSIONS: ReadonlySet<BusinessMetric> = new Set(['KeyAccepted', 'RequestRefused']);
/** What Lambda says about a function without versions. */
const NO_VERSION = '$LATEST';

/**
 * Counts business events in CloudWatch's embedded metric format, with one line of the log. A metric that
 * occurs more than once keeps each value, for percentiles.
 */
export function countBusiness(counts: readonly (readonly [BusinessMetric, number])[]): void {
  const isOfVersions = counts.every(([metric]) => OF_VERSIONS.has(metric));
  writeCounts(settings, counts, { units: UNITS, alsoBy: isOfVersions ? versionOf(process.env) : {} });
}

/** The version of this function; nothing if it has no versions. */
function versionOf(env: NodeJS.ProcessEnv): Record<string, string> {
  const { AWS_LAMBDA_FUNCTION_NAME: name, AWS_LAMBDA_FUNCTION_VERSION: version = NO_VERSION } = env;
  if (name === undefined || version === NO_VERSION) return {};
  return { function_name: name, function_version: version };
}

/** An error whose causes form a circle must not stop its request. */
const MAX_CAUSES = 5;

/**
 * The parts of an error that may be logged: name, our code, message, stack and causes. Other properties are
 * left out, because the SDK attaches whole requests and stored items to its errors.
 */
export function loggableError(error: unknown, causes = MAX_CAUSES): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: 'a value that is not an Error was thrown' };
  const { name, message, stack, cause } = error;
  return {
    name,
    ...(error instanceof BillingError && { code: error.code }),
    message,
    stack: stack && mappedStack(stack),
    ...(cause === undefined || causes === 0 ? {} : { cause: loggableError(cause, causes - 1) }),
  };
}
