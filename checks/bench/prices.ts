import type { Cost } from './counted/results.ts';

/**
 * AWS prices in us-east-1, in US dollars, looked up in November 2026: the first paid tier, without free
 * tiers. On-demand tables of the standard class since 1 November 2024
 * (aws.amazon.com/dynamodb/pricing/on-demand), functions on arm64 (aws.amazon.com/lambda/pricing), HTTP APIs
 * (aws.amazon.com/api-gateway/pricing), CloudWatch and X-Ray (aws.amazon.com/{cloudwatch,xray}/pricing).
 */
export const PRICES = {
  region: 'us-east-1',
  lookedUp: 'November 2026',
  perMillionReadUnits: 0.125,
  perMillionWriteUnits: 0.625,
  perMillionInvocations: 0.2,
  perMillionGigabyteSeconds: 13.3334,
  perMillionGatewayCalls: 1,
  /** Logs of functions and of the gateway: taking them in, and keeping them for a month. */
  perGigabyteLogged: 0.5,
  perGigabyteMonthOfLogs: 0.03,
  perMillionTraces: 5,
} as const;

/** The memory size in serverless.yml. */
const GIGABYTES = 0.5;

/** The dollars for a million times this consumption. */
export const tableDollars = ({ readUnits, writeUnits }: Pick<Cost, 'readUnits' | 'writeUnits'>): number =>
  readUnits * PRICES.perMillionReadUnits + writeUnits * PRICES.perMillionWriteUnits;

/** The dollars for a million calls through the gateway, each with a function of this duration. */
export const callDollars = (milliseconds: number): number =>
  PRICES.perMillionGatewayCalls +
  PRICES.perMillionInvocations +
  GIGABYTES * (milliseconds / 1_000) * PRICES.perMillionGigabyteSeconds;

/** `logRetentionInDays` in serverless.yml, in months. */
const KEPT_MONTHS = 3;
/** Stored logs are compressed to this part: the assumption of AWS's own price examples. */
const COMPRESSED = 0.15;
/** CloudWatch adds this to each line. */
const BYTES_PER_LINE = 26;
/** Assumed: the lines START, END and REPORT that Lambda writes for a call, and the trace's id in our line. */
const LAMBDA_LINES = { logLines: 3, logBytes: 520 };
/** Assumed: a line of the access log. The test of the template has its fields. */
const ACCESS_LINE = { logLines: 1, logBytes: 330 };

/** The dollars for the logs of a million calls through the gateway. */
export function logDollars(cost: Pick<Cost, 'logLines' | 'logBytes'>): number {
  const bytes = [cost, LAMBDA_LINES, ACCESS_LINE].reduce(
    (sum, { logLines, logBytes }) => sum + logBytes + BYTES_PER_LINE * logLines,
    0,
  );
  const gigabytes = (bytes * 1_000_000) / 1e9;
  return gigabytes * (PRICES.perGigabyteLogged + KEPT_MONTHS * COMPRESSED * PRICES.perGigabyteMonthOfLogs);
}

/** X-Ray's default: of the calls above one a second, a twentieth. */
const TRACED = 0.05;

/** The dollars for the traces of a million calls. */
export const traceDollars = (): number => TRACED * PRICES.perMillionTraces;
