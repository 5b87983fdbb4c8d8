import * as z from 'zod/mini';

/** Raised whenever an older journal would be replayed otherwise than it was written. */
export const JOURNAL_VERSION = 6;

/** Something that changes the double: all that is needed to do it again, beside its moment and its seed. */
const deedSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('request'),
    method: z.enum(['GET', 'POST', 'DELETE']),
    /** The path of its route, and its own. */
    route: z.string(),
    path: z.string(),
    query: z.string(),
    body: z.string(),
    ids: z.record(z.string(), z.string()),
    requestId: z.string(),
    version: z.nullable(z.string()),
    idempotencyKey: z.nullable(z.string()),
    /** What the key keeps, and since when; null without a key. A fault may have put an error in the answer's place. */
    kept: z.nullable(z.strictObject({ sinceSeconds: z.int(), what: z.enum(['answer', 'error']) })),
  }),
  z.strictObject({ kind: z.literal('control'), path: z.string(), id: z.string(), input: z.unknown() }),
  /** A call that came while faults were waiting: it used one up, or was let through. */
  z.strictObject({ kind: z.literal('fault'), method: z.string(), path: z.string() }),
  /** Time alone: what had come due happened. */
  z.strictObject({ kind: z.literal('time') }),
]);

export const entrySchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('begin'), journal: z.int(), api: z.string() }),
  z.strictObject({
    kind: z.literal('turn'),
    /** On the double's clock, when it began. */
    atMs: z.number(),
    made: z.int(),
    seed: z.string(),
    deed: deedSchema,
    /** A digest of what came of it: doing it again must come to the same. */
    outcome: z.string(),
  }),
  z.strictObject({ kind: z.literal('taken'), event: z.string(), endpoint: z.string() }),
]);

export type Entry = z.output<typeof entrySchema>;
export type Turn = Extract<Entry, { kind: 'turn' }>;
export type Deed = z.output<typeof deedSchema>;
export type RequestDeed = Extract<Deed, { kind: 'request' }>;
export type ControlDeed = Extract<Deed, { kind: 'control' }>;

/** Where a double writes down what it does. An entry that `append` threw at may be there or not. */
export interface Journal {
  append(entry: Entry): void;
}
