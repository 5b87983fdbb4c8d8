import type { Outage } from './outages.ts';
import type { KindResult } from './tally.ts';
import type { Verified } from './verify.ts';

export interface LoadOptions {
  readonly seconds: number;
  /** RSOLV-action's requests a second. */
  readonly rate: number;
  readonly webhooksPerMinute: number;
  readonly signUpsPerMinute: number;
  /** What a person at Stripe does. */
  readonly deedsPerMinute: number;
  /** Seconds; null where nothing is killed. */
  readonly killEvery: number | null;
  readonly seed: string;
  /** Ends the load, not the verification. */
  readonly signal: AbortSignal;
  readonly onStep: (what: string) => void;
}

export interface LoadResult {
  /** How long the load lasted. */
  readonly seconds: number;
  readonly calls: readonly KindResult[];
  readonly kills: readonly Outage[];
  /** Calls without an answer that the kills, or the end, explain. */
  readonly explained: Readonly<Record<string, number>>;
  /** What a person at Stripe did, and what Stripe refused them. */
  readonly deeds: Readonly<Record<string, number>>;
  readonly unexplained: { readonly count: number; readonly named: readonly string[] };
  readonly verified: Verified;
}
