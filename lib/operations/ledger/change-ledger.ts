import { watchBalance } from '../../domain/balance-watch.ts';
import type { CustomerHead, CustomerProfile } from '../../domain/customer.ts';
import { type LedgerEntry, type Posting, post } from '../../domain/ledger.ts';
import { BillingError } from '../../errors.ts';
import type { Deps } from '../../runtime/deps.ts';
import { type Key, keys } from '../../store/keys.ts';
import { commit, type HeadChange } from '../../store/ledger.ts';
import type { Write } from '../../store/table.ts';
import { type Item, readTogether } from '../../store/table.ts';
import { existingHead } from './require-item.ts';

/** What a decision is made on: the head, and the items that make the change happen once, as they were read. */
export interface LedgerView<Once> {
  readonly head: CustomerHead;
  readonly once: Once;
}

export type LedgerDecision<Settled> =
  /** What was read does not go together; several items read in one call are no snapshot. */
  | { readonly kind: 'stale' }
  | { readonly kind: 'settled'; readonly outcome: Settled }
  /** Writes that hold by their own conditions, wherever the head stands. */
  | { readonly kind: 'aside'; readonly alongside: readonly Write[] }
  | {
      readonly kind: 'change';
      readonly postings?: readonly Posting[];
      /**
       * What changes about the customer; an empty object only moves the revision. Left out, the head is checked where no
       * entry moves it.
       */
      readonly profile?: Partial<CustomerProfile>;
      /** What else is written, for the head as it will be. */
      readonly alongside: (next: CustomerHead, at: Date) => readonly Write[];
    };

export type LedgerChange<Once, Settled> =
  | { readonly kind: 'settled'; readonly outcome: Settled }
  | {
      readonly kind: 'changed';
      /** As it was before. */
      readonly once: Once;
      readonly head: CustomerHead;
      readonly entries: readonly LedgerEntry[];
      readonly at: Date;
    };

/** An event's own item, and the write that records it as processed. */
export interface Receipt {
  readonly key: Key;
  readonly write: Write;
}

/** The event was recorded by another delivery of it, meanwhile, with its effects. */
export class AlreadyRecorded extends Error {}

export interface LedgerChangeSpec<Once, Settled, Seen = undefined> {
  readonly customerId: string;
  /** Items that the decision needs besides the head. */
  readonly onceKeys: readonly Key[];
  /** In the order of `onceKeys`; undefined where there is no such item. */
  readonly decodeOnce: (items: readonly (Item | undefined)[]) => Once;
  /**
   * Asks Stripe how things are, after the head was read and before it is written: whoever writes last has then also asked
   * last, and no time has to be compared. Asked again after a lost race.
   */
  readonly look?: (view: LedgerView<Once>) => Promise<Seen>;
  /** The event that causes the change; recorded in the same transaction. */
  readonly receipt?: Receipt | undefined;
  /** Pure. Called again with what stands in the table after each lost race. */
  readonly decide: (view: LedgerView<Once>, seen: Seen | undefined) => LedgerDecision<Settled>;
}

/** With full jitter, 100 writers at once on one customer finish in a dozen tries; see docs/decisions. */
const MAX_COMMIT_TRIES = 20;
const MAX_WAIT_MS = 2_000;
/** Kept below the function's timeout, so that a client hears of a busy ledger from us. */
const MAX_TOTAL_MS = 12_000;

/**
 * Changes a ledger once: decide on what was read, write it under the condition that nothing moved, and if somebody else
 * was first, decide again. Safe to repeat, at the same time or later: what is written alongside lets one of them through.
 * @param first the view that the caller has read already, to save a call
 * @throws BillingError ledger_busy when the tries are used up (nothing was written), ledger_unavailable,
 * customer_not_found; AlreadyRecorded; whatever `look` throws
 */
export async function changeLedger<Once, Settled, Seen = undefined>(
  deps: Deps,
  spec: LedgerChangeSpec<Once, Settled, Seen>,
  first?: LedgerView<Once>,
): Promise<LedgerChange<Once, Settled>> {
  const startedMs = deps.now().getTime();
  let view = first ?? (await readView(deps, spec));
  for (let tries = 1; tries <= MAX_COMMIT_TRIES; tries++) {
    const seen = await spec.look?.(view);
    const decision = spec.decide(view, seen);
    if (decision.kind === 'settled') return decision;
    if (decision.kind === 'stale') {
      view = await readView(deps, spec);
      continue;
    }

    const at = deps.now();
    const { next, change, alongside } = planOf(view.head, decision, at);
    const receipt = spec.receipt === undefined ? [] : [spec.receipt.write];
    const result = await commit(deps.table, view.head, change, [...alongside, ...receipt]);
    if (result.kind === 'committed') {
      return { kind: 'changed', once: view.once, head: next, entries: change?.entries ?? [], at };
    }

    if (result.kind === 'lost' && spec.receipt !== undefined && isAmong(result.winners, spec.receipt.key)) {
      throw new AlreadyRecorded();
    }
    if (result.kind === 'lost' && spec.look === undefined) {
      // The winner's items came back with the refusal. Where they settle the matter no further call is needed.
      const again = spec.decide(withWinners(spec, view, result), undefined);
      if (again.kind === 'settled') return again;
    }
    const nowMs = deps.now().getTime();
    if (nowMs - startedMs > MAX_TOTAL_MS) break;
    const roundTripMs = Math.max(1, nowMs - at.getTime());
    await deps.sleep(deps.random() * Math.min(MAX_WAIT_MS, roundTripMs * 2 ** tries));
    view = await readView(deps, spec);
  }
  throw new BillingError(
    'ledger_busy',
    'Many changes at once for this customer. Send the same request again.',
  );
}

/** What a decision writes, and the head after it. */
function planOf(
  head: CustomerHead,
  decision: Extract<LedgerDecision<unknown>, { kind: 'aside' | 'change' }>,
  at: Date,
): { next: CustomerHead; change: HeadChange | null; alongside: readonly Write[] } {
  if (decision.kind === 'aside') return { next: head, change: null, alongside: decision.alongside };
  const { state, entries } = post(head, decision.postings ?? [], at);
  const profile = decision.profile === undefined ? null : { ...head, ...decision.profile };
  const revision = head.revision + (profile === null ? 0 : 1);
  const next: CustomerHead = { ...(profile ?? head), ...state, ...watchBalance(head, state), revision };
  const change = { next, entries, changesProfile: profile !== null, at };
  return { next, change, alongside: decision.alongside(next, at) };
}

const isAmong = (items: readonly Item[], { pk, sk }: Key): boolean =>
  items.some((item) => item['pk'] === pk && item['sk'] === sk);

type Spec<Once> = Pick<LedgerChangeSpec<Once, unknown, never>, 'customerId' | 'onceKeys' | 'decodeOnce'>;

async function readView<Once>(deps: Deps, spec: Spec<Once>): Promise<LedgerView<Once>> {
  const { customerId, onceKeys, decodeOnce } = spec;
  const [head, ...once] = await readTogether(deps.table, [keys.head(customerId), ...onceKeys]);
  return { head: existingHead(head, customerId), once: decodeOnce(once) };
}

/** What is known after a lost race; an item that was not in the way may be out of date. */
function withWinners<Once>(
  { onceKeys, decodeOnce }: Spec<Once>,
  view: LedgerView<Once>,
  { head, winners }: { readonly head: CustomerHead | null; readonly winners: readonly Item[] },
): LedgerView<Once> {
  const found = onceKeys.map(({ pk, sk }) => winners.find((item) => item['pk'] === pk && item['sk'] === sk));
  // Decoded together, so only where all of them are known.
  const once = found.every((item) => item !== undefined) ? decodeOnce(found) : view.once;
  return { head: head ?? view.head, once };
}
