import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';

/** Powertools reads service name, level and namespace from the environment. */
export const logger = new Logger();
const metrics = new Metrics();

export type BusinessMetric =
  | 'CustomerOnboarded'
  | 'FixBilled'
  | 'FixCharged'
  | 'DoublePaymentReturned'
  | 'FixBlocked'
  | 'FixUnrecorded'
  | 'ChargeDeclined'
  | 'PaymentMethodAdded'
  | 'ProSubscribed'
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
  | 'ParameterStale'
  | 'KeyAccepted'
  | 'KeyRefused'
  | 'RequestRefused'
  | 'Defect';

/** Counts business events in CloudWatch's embedded metric format, with one line of the log. */
export function countBusiness(counts: readonly (readonly [BusinessMetric, number])[]): void {
  if (counts.length === 0) return;
  for (const [metric, count] of counts) metrics.addMetric(metric, MetricUnit.Count, count);
  metrics.publishStoredMetrics();
}

/**
 * The parts of an error that may be logged: name, message, stack and causes. Other properties are left out,
 * because the SDK attaches whole requests and stored items to its errors.
 */
export function loggableError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: 'a value that is not an Error was thrown' };
  const { name, message, stack, cause } = error;
  return { name, message, stack, ...(cause === undefined ? {} : { cause: loggableError(cause) }) };
}
