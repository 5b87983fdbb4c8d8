import * as z from 'zod/mini';

/** Increase this if a replay of an older journal would give another result. */
export const JOURNAL_VERSION = 7;

/** A change of the stand-in: everything needed to repeat it, beside its moment and its seed. */
const changeSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('request'),
    method: z.enum(['GET', 'POST', 'DELETE']),
    /** The path pattern of the route, and the actual path. */
    route: z.string(),
    path: z.string(),
    query: z.string(),
    body: z.string(),
    ids: z.record(z.string(), z.string()),
    requestId: z.string(),
    version: z.nullable(z.string()),
    idempotencyKey: z.nullable(z.string()),
    /**
     * What the key stores, and since when; null without a key. A fault may have stored an error instead of
     * the answer.
     */
    kept: z.nullable(z.strictObject({ sinceSeconds: z.int(), what: z.enum(['answer', 'error']) })),
  }),
  z.strictObject({ kind: z.literal('control'), path: z.string(), id: z.string(), input: z.unknown() }),
  /** A call while faults were waiting: it used one up, or was let through. */
  z.strictObject({ kind: z.literal('fault'), method: z.string(), path: z.string() }),
  /** Only time passed: due tasks ran. */
  z.strictObject({ kind: z.literal('time') }),
]);

export const entrySchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('begin'), journal: z.int(), api: z.string() }),
  z.strictObject({
    kind: z.literal('turn'),
    /** The start, on the stand-in's clock. */
    atMs: z.number(),
    made: z.int(),
    seed: z.string(),
    change: changeSchema,
    /** A digest of the outcome: a replay must give the same. */
    outcome: z.string(),
  }),
  z.strictObject({ kind: z.literal('taken'), event: z.string(), endpoint: z.string() }),
]);

export type Entry = z.output<typeof entrySchema>;
export type Turn = Extract<Entry, { kind: 'turn' }>;
export type Change = z.output<typeof changeSchema>;
export type RequestChange = Extract<Change, { kind: 'request' }>;
export type ControlChange = Extract<Change, { kind: 'control' }>;

/** Where a stand-in records its changes. If `append` throws, the entry may be stored or not. */
export interface Journal {
  append(entry: Entry): void;
}
