import * as z from 'zod/mini';
import type { MeteredCall } from './meter.ts';

/* What is counted rather than timed, as it comes out of the process that counts. */

const Cost = z.object({
  /** Names of the DynamoDB requests, in order. */
  requests: z.array(z.string()),
  readUnits: z.number(),
  writeUnits: z.number(),
  /** Of the write units, those of the index of due work. */
  indexWriteUnits: z.number(),
});
export type Cost = z.output<typeof Cost>;

const CallCost = z.object({ what: z.string(), cost: Cost });
export type CallCost = z.output<typeof CallCost>;

const Point = z.object({
  /** How many there are of what is varied. */
  count: z.number(),
  calls: z.number(),
  units: z.number(),
  milliseconds: z.number(),
});
export type Point = z.output<typeof Point>;

const Series = z.object({
  what: z.string(),
  /** What there is more and more of. */
  against: z.string(),
  /** As it is designed to grow. */
  designed: z.enum(['flat', 'linear']),
  points: z.array(Point),
});
export type Series = z.output<typeof Series>;

export const Counted = z.object({ calls: z.array(CallCost), growth: z.array(Series) });
export type Counted = z.output<typeof Counted>;

/** What the counting process says while it works, and when it is done. */
export const Message = z.union([z.object({ step: z.string() }), z.object({ counted: Counted })]);
export type Message = z.output<typeof Message>;

export function costOf(calls: readonly MeteredCall[]): Cost {
  const total = (of: (call: MeteredCall) => number) => calls.reduce((sum, call) => sum + of(call), 0);
  return {
    requests: calls.map(({ operation }) => operation),
    readUnits: total(({ readUnits }) => readUnits),
    writeUnits: total(({ writeUnits }) => writeUnits),
    indexWriteUnits: total(({ indexWriteUnits }) => indexWriteUnits),
  };
}
