import type { Cost } from './counted/results.ts';

/**
 * What AWS asks in us-east-1, in US dollars: on-demand tables of the standard class since 1 November 2024 (aws.amazon.com/dynamodb/pricing/on-demand),
 * functions on arm64 (aws.amazon.com/lambda/pricing), HTTP APIs (aws.amazon.com/api-gateway/pricing); the first tier of each,
 * without free ones. Looked up in November 2026.
 */
export const PRICES = {
  region: 'us-east-1',
  lookedUp: 'November 2026',
  perMillionReadUnits: 0.125,
  perMillionWriteUnits: 0.625,
  perMillionInvocations: 0.2,
  perMillionGigabyteSeconds: 13.3334,
  perMillionGatewayCalls: 1,
} as const;

/** As in serverless.yml. */
const GIGABYTES = 0.5;

/** A million times as much, in dollars. */
export const tableDollars = ({ readUnits, writeUnits }: Pick<Cost, 'readUnits' | 'writeUnits'>): number =>
  readUnits * PRICES.perMillionReadUnits + writeUnits * PRICES.perMillionWriteUnits;

/** A million calls through the gateway to a function that each run so long, in dollars. */
export const callDollars = (milliseconds: number): number =>
  PRICES.perMillionGatewayCalls +
  PRICES.perMillionInvocations +
  GIGABYTES * (milliseconds / 1_000) * PRICES.perMillionGigabyteSeconds;
