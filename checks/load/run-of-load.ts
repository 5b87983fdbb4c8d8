import type { Outage } from './outages.ts';
import type { KindResult } from './tally.ts';
import type { Verified } from './verify.ts';

export interface LoadOptions {
  readonly seconds: number;
  /** Requests per second of RSOLV-action. */
  readonly rate: number;
  readonly webhooksPerMinute: number;
  readonly signUpsPerMinute: number;
  /** Actions per minute of a person at Stripe. */
  readonly deedsPerMinute: number;
  /** Seconds between kills. Null for no kills. */
  readonly killEvery: number | null;
  readonly seed: string;
  /** Ends the load, not the verification. */
  readonly signal: AbortSignal;
  readonly onStep: (what: string) => void;
}

export interface LoadResult {
  /** Duration of the load. */
  readonly seconds: number;
  readonly calls: readonly KindResult[];
  readonly kills: readonly Outage[];
  /** Unanswered calls that the kills or the end of the load explain. */
  readonly explained: Readonly<Record<string, number>>;
  /** Counts of a person's actions at Stripe, and of those that Stripe rejected. */
  readonly deeds: Readonly<Record<string, number>>;
  readonly unexplained: { readonly count: number; readonly named: readonly string[] };
  readonly verified: Verified;
}
