import type { PaymentDeps } from '../../runtime/deps.ts';
import type { DueKind } from '../../store/due-work.ts';
import type { DueItem } from '../../store/keys.ts';
import { UnreadableItem } from '../../store/record.ts';
import type { Item } from '../../store/table.ts';

/** Kinds of items in the index of due work that are open work: unfinished, and worth a look by people if it stays so. */
const OPEN_KINDS = [
  'fix',
  'order',
  'renewal',
  'double_payment',
  'closing',
  'event',
] as const satisfies readonly DueItem['kind'][];
export type OpenKind = (typeof OPEN_KINDS)[number];

/** What a piece of open work is, for lists and reports. */
export interface WorkFacts {
  readonly kind: OpenKind;
  /** Null for an event whose customer is not known. */
  readonly customerId: string | null;
  /** Null for kinds of which a customer has one. */
  readonly id: string | null;
  readonly state: string;
  readonly attempt: number | null;
  readonly amountCents: number | null;
  readonly paymentIntentId: string | null;
  readonly startedAt: string | null;
  /** What is not finished, as part of a sentence. */
  readonly message: string;
}

/** `waiting`: nothing failed, and Stripe has not decided yet. */
export type Finish = 'finished' | 'waiting';

/** A piece of open work as it is stored, with what finishes it. */
export interface OpenWork {
  readonly facts: WorkFacts;
  /** How old it may become before the nightly reconciliation reports it. */
  readonly reportAfterMs: number;
  /** Safe to repeat and to run concurrently. */
  readonly finish: (deps: PaymentDeps) => Promise<Finish>;
}

export interface WorkKind {
  /** The index that its items are in while they are open. */
  readonly due: DueKind;
  /** Null where the work is done and the index is behind. @throws UnreadableItem */
  readonly open: (stored: Item, item: DueItem) => OpenWork | null;
}

interface Spec<T> {
  readonly due: DueKind;
  readonly reportAfterMs: number;
  /** Null where nothing is left to do. */
  readonly decode: (stored: Item) => T | null;
  readonly describe: (work: T) => Partial<WorkFacts> & Pick<WorkFacts, 'state' | 'message'>;
  readonly finish: (deps: PaymentDeps, work: T, of: { readonly customerId: string }) => Promise<Finish>;
}

/** A row of the table: keeps the type of the decoded item between `decode`, `describe` and `finish`. */
export function kindOfWork<T>({ due, reportAfterMs, decode, describe, finish }: Spec<T>): WorkKind {
  return {
    due,
    open(stored, { kind, customerId }) {
      const work = decode(stored);
      if (work === null) return null;
      if (!isOpenKind(kind)) throw new UnreadableItem(stored, ['sk']);
      const facts = { ...NO_FACTS, kind, customerId, ...describe(work) };
      return {
        facts,
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
