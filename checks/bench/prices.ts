import type { Cost } from './counted/results.ts';

/**
 * AWS prices in us-east-1, in US dollars, looked up in November 2026: the first paid tier, without free
 * tiers. On-demand tables of the standard class since 1 November 2024
 * (aws.amazon.com/dynamodb/pricing/on-demand), functions on arm64 (aws.amazon.com/lambda/pricing), HTTP APIs
 * (aws.amazon.com/api-gateway/pricing).
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
