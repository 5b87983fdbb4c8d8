import * as z from 'zod/mini';
import type { MeteredCall } from './meter.ts';

/* The counted (not timed) results, as the counting process reports them. */

const Cost = z.object({
  /** Names of the DynamoDB requests, in order. */
  requests: z.array(z.string()),
  readUnits: z.number(),
  writeUnits: z.number(),
  /** The part of `writeUnits` that the index of due work consumed. */
  indexWriteUnits: z.number(),
  /** What the function writes to its log: lines, and bytes with the line ends. */
  logLines: z.number(),
  logBytes: z.number(),
});
export type Cost = z.output<typeof Cost>;

const CallCost = z.object({ what: z.string(), cost: Cost });
export type CallCost = z.output<typeof CallCost>;

const Point = z.object({
  /** The value of the varied quantity, for example the number of customers. */
  count: z.number(),
  calls: z.number(),
  units: z.number(),
  milliseconds: z.number(),
});
export type Point = z.output<typeof Point>;

const Series = z.object({
  what: z.string(),
  /** The quantity that grows. */
  against: z.string(),
  /** The growth that the design intends. */
  designed: z.enum(['flat', 'linear']),
  points: z.array(Point),
});
export type Series = z.output<typeof Series>;

export const Counted = z.object({ calls: z.array(CallCost), growth: z.array(Series) });
export type Counted = z.output<typeof Counted>;

/** Messages of the counting process: its progress, then its result. */
export const Message = z.union([z.object({ step: z.string() }), z.object({ counted: Counted })]);
export type Message = z.output<typeof Message>;

export function costOf(calls: readonly MeteredCall[], log: string): Cost {
  const total = (of: (call: MeteredCall) => number) => calls.reduce((sum, call) => sum + of(call), 0);
  return {
    requests: calls.map(({ operation }) => operation),
    readUnits: total(({ readUnits }) => readUnits),
    writeUnits: total(({ writeUnits }) => writeUnits),
    indexWriteUnits: total(({ indexWriteUnits }) => indexWriteUnits),
    logLines: log.split('\n').length - 1,
    logBytes: Buffer.byteLength(log),
  };
}
