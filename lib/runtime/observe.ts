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
  | 'Defect';

/** Counts business events, one by default, in CloudWatch's embedded metric format. */
export function countBusiness(metric: BusinessMetric, count = 1): void {
  metrics.addMetric(metric, MetricUnit.Count, count);
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
