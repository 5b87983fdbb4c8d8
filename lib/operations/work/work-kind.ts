import type { PaymentDeps } from '../../runtime/deps.ts';
import type { DueKind } from '../../store/due-work.ts';
import type { DueItem } from '../../store/keys.ts';
import { UnreadableItem } from '../../store/record.ts';
import type { Item } from '../../store/table.ts';

/** Kinds of due items that are open work: unfinished, and for people to check if they stay unfinished. */
const OPEN_KINDS = [
  'fix',
  'order',
  'renewal',
  'card_session',
  'double_payment',
  'closing',
  'event',
] as const satisfies readonly DueItem['kind'][];
export type OpenKind = (typeof OPEN_KINDS)[number];

/** Facts of a piece of open work, for lists and reports. */
export interface WorkFacts {
  readonly kind: OpenKind;
  /** Null for an event of an unknown customer. */
  readonly customerId: string | null;
  /** Null for kinds that a customer has at most one of. */
  readonly id: string | null;
  readonly state: string;
  readonly attempt: number | null;
  readonly amountCents: number | null;
  readonly paymentIntentId: string | null;
  readonly startedAt: string | null;
  /** What is unfinished, as part of a sentence. */
  readonly message: string;
}

/** `waiting`: nothing failed, and Stripe has not decided yet. */
export type Finish = 'finished' | 'waiting';

/** A stored piece of open work, with the function that finishes it. */
export interface OpenWork {
  readonly facts: WorkFacts;
  /** ISO 8601: when it began, or until when it rightly waits for a person. Its age counts from then. */
  readonly since: string | null;
  /** The age after which the nightly reconciliation reports it. */
  readonly reportAfterMs: number;
  /** Idempotent, also concurrently. */
  readonly finish: (deps: PaymentDeps) => Promise<Finish>;
}

export interface WorkKind {
  /** The index of its items while they are open. */
  readonly due: DueKind;
  /** Null if the work is done and the index is stale. @throws UnreadableItem */
  readonly open: (stored: Item, item: DueItem) => OpenWork | null;
}

interface Spec<T> {
  readonly due: DueKind;
  readonly reportAfterMs: number;
  /** Null if nothing is left to do. */
  readonly decode: (stored: Item) => T | null;
  readonly describe: (work: T) => Partial<WorkFacts> & Pick<WorkFacts, 'state' | 'message'>;
  /** ISO 8601: until when the work rightly waits for a person; null if it does not. */
  readonly waitsUntil?: (work: T) => string | null;
  readonly finish: (deps: PaymentDeps, work: T, of: { readonly customerId: string }) => Promise<Finish>;
}

/** Makes a row of `WORK_KINDS`, whose `describe` and `finish` take the type that `decode` returns. */
export function kindOfWork<T>({
  due,
  reportAfterMs,
  decode,
  describe,
  waitsUntil,
  finish,
}: Spec<T>): WorkKind {
  return {
    due,
    open(stored, { kind, customerId }) {
      const work = decode(stored);
      if (work === null) return null;
      if (!isOpenKind(kind)) throw new UnreadableItem(stored, ['sk']);
      const facts = { ...NO_FACTS, kind, customerId, ...describe(work) };
      return {
        facts,
        since: waitsUntil?.(work) ?? facts.startedAt,
        reportAfterMs,
        finish: (deps) => finish(deps, work, { customerId: customerId ?? '' }),
      };
    },
  };
}

const NO_FACTS = {
  id: null,
  attempt: null,
  amountCents: null,
  paymentIntentId: null,
  startedAt: null,
} as const;

export const isOpenKind = (kind: DueItem['kind']): kind is OpenKind =>
  OPEN_KINDS.some((open) => open === kind);
