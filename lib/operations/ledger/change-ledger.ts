import { watchBalance } from '../../domain/balance-watch.ts';
import type { CustomerHead, CustomerProfile } from '../../domain/customer.ts';
import { type LedgerEntry, type Posting, post } from '../../domain/ledger.ts';
import { addBilledFix } from '../../domain/payments/unbilled-fixes.ts';
import type { Deps } from '../../runtime/deps.ts';
import { type Key, keys } from '../../store/keys.ts';
import { commit, type HeadChange } from '../../store/ledger.ts';
import { type Item, readTogether, type Write } from '../../store/table.ts';
import { reportChange } from './report-change.ts';
import { requireHead } from './require-item.ts';
import { hasTimeFor, ledgerBusy } from './retry-contended.ts';

/** The basis of a decision: the head and the related items, as read. */
export interface LedgerView<Related> {
  readonly head: CustomerHead;
  readonly related: Related;
}

/** What was written: the new head, its new entries, and when. */
export interface Written {
  readonly head: CustomerHead;
  readonly entries: readonly LedgerEntry[];
  readonly at: Date;
}

/** What to write, and the answer computed from the state after the write. */
export interface LedgerWrite<Answer> {
  readonly kind: 'write';
  readonly postings?: readonly Posting[];
  /**
   * Changes to the customer's profile. An empty object only increments the revision. Without a profile or
   * entries, the write only checks the head.
   */
  readonly profile?: Partial<CustomerProfile>;
  /** The recording time of the fix that the entries bill, for the head's count of billed fixes. */
  readonly bills?: Date;
  /** The writes have their own conditions, so the head is neither changed nor checked. */
  readonly leavesHead?: true;
  /** The other writes, computed from the next head. */
  readonly writes: (next: CustomerHead, at: Date) => readonly Write[];
  readonly answer: (after: Written) => Answer;
}

export type LedgerDecision<Answer> =
  /** The items read are inconsistent: several items read in one call are not a snapshot. */
  | { readonly kind: 'stale' }
  /** Nothing to write. */
  | { readonly kind: 'done'; readonly answer: Answer }
  | LedgerWrite<Answer>;

export interface LedgerChange<Answer> {
  readonly answer: Answer;
  /** Whether this call wrote. False if the work was already done. */
  readonly wrote: boolean;
}

/** An event's own item, and the write that records it as processed. */
export interface Receipt {
  readonly key: Key;
  readonly write: Write;
}

/** A concurrent delivery has recorded the event, with its effects. */
export class AlreadyRecorded extends Error {}

export interface LedgerChangeSpec<Related, Answer, Current = undefined> {
  readonly customerId: string;
  /** Items that the decision needs besides the head, including the guards of the change. */
  readonly relatedKeys: readonly Key[];
  /** In the order of `relatedKeys`; undefined for a missing item. */
  readonly decodeRelated: (items: readonly (Item | undefined)[]) => Related;
  /**
   * Fetches the current state from Stripe after the head is read and before it is written. So the last writer
   * also fetched last, and no times need comparing. Called again after a lost race. Undefined if the decision
   * needs nothing from Stripe.
   */
  readonly fetchCurrent?: (view: LedgerView<Related>) => Promise<Current>;
  /** The event that caused the change, recorded in the same transaction. */
  readonly receipt?: Receipt | undefined;
  /** Written beside the first try only: nothing depends on it, and no call waits for it. */
  readonly onFirstTry?: readonly Write[] | undefined;
  /** Pure. Called again with the current items after each lost race. */
  readonly decide: (view: LedgerView<Related>, current: Current | undefined) => LedgerDecision<Answer>;
}

/** With full jitter, 100 concurrent writers on one customer finish in about 12 tries; see docs/decisions. */
const MAX_COMMIT_TRIES = 20;
const MAX_WAIT_MS = 2_000;
/** Below the function's timeout, so that a client gets "ledger busy" from us, not a timeout. */
const MAX_TOTAL_MS = 12_000;

/**
 * Changes a ledger once: decides on the items read, writes if none of them changed, and decides again after a
 * lost race. Idempotent, also under concurrent calls: the guards among the related items admit one caller.
 * @param first the view, if the caller has already read it; saves a call
 * @throws BillingError ledger_busy after the last try (nothing was written), ledger_unavailable,
 * customer_not_found; AlreadyRecorded; whatever `fetchCurrent` throws
 */
export async function changeLedger<Related, Answer, Current = undefined>(
  deps: Deps,
  spec: LedgerChangeSpec<Related, Answer, Current>,
  first?: LedgerView<Related>,
): Promise<LedgerChange<Answer>> {
  const startedMs = deps.now().getTime();
  let view = first ?? (await readView(deps, spec));
  for (let tries = 1; tries <= MAX_COMMIT_TRIES; tries++) {
    const current = await spec.fetchCurrent?.(view);
    const decision = spec.decide(view, current);
    if (decision.kind === 'done') return { answer: decision.answer, wrote: false };
    if (decision.kind === 'stale') {
      view = await readView(deps, spec);
      continue;
    }

    const at = deps.now();
    const { next, change, writes } = planOf(view.head, decision, at);
    const receipt = spec.receipt === undefined ? [] : [spec.receipt.write];
    const extra = tries === 1 ? (spec.onFirstTry ?? []) : [];
    const result = await commit(deps.table, view.head, change, [...writes, ...receipt, ...extra]);
    if (result.kind === 'committed') {
      const entries = change?.entries ?? [];
      reportChange(deps, view.head, next, entries);
      return { answer: decision.answer({ head: next, entries, at }), wrote: true };
    }

    if (result.kind === 'lost' && spec.receipt !== undefined && isAmong(result.winners, spec.receipt.key)) {
      throw new AlreadyRecorded();
    }
    if (result.kind === 'lost' && current === undefined) {
      // The refusal returned the winner's items. If they show the work done, no further call is needed.
      const again = spec.decide(withWinners(spec, view, result), undefined);
      if (again.kind === 'done') return { answer: again.answer, wrote: false };
    }
    const nowMs = deps.now().getTime();
    const roundTripMs = Math.max(1, nowMs - at.getTime());
    const waitMs = deps.random() * Math.min(MAX_WAIT_MS, roundTripMs * 2 ** tries);
    if (nowMs - startedMs > MAX_TOTAL_MS || !hasTimeFor(deps, waitMs)) break;
    await deps.sleep(waitMs);
    view = await readView(deps, spec);
  }
  throw ledgerBusy();
}

/** What a decision writes, and the head after it. */
function planOf(
  head: CustomerHead,
  decision: LedgerWrite<unknown>,
  at: Date,
): { next: CustomerHead; change: HeadChange | null; writes: readonly Write[] } {
  if (decision.leavesHead) return { next: head, change: null, writes: decision.writes(head, at) };
  const { state, entries } = post(head, decision.postings ?? [], at);
  const profile = decision.profile === undefined ? null : { ...head, ...decision.profile };
  const revision = head.revision + (profile === null ? 0 : 1);
  const billedByDay =
    decision.bills === undefined ? head.billedByDay : addBilledFix(head.billedByDay, decision.bills, at);
  const watch = watchBalance(head, state);
  const next: CustomerHead = { ...(profile ?? head), ...state, ...watch, billedByDay, revision };
  const change = { next, entries, changesProfile: profile !== null, at };
  return { next, change, writes: decision.writes(next, at) };
}

const isAmong = (items: readonly Item[], { pk, sk }: Key): boolean =>
  items.some((item) => item['pk'] === pk && item['sk'] === sk);

type Spec<Related> = Pick<
  LedgerChangeSpec<Related, unknown, never>,
  'customerId' | 'relatedKeys' | 'decodeRelated'
>;

async function readView<Related>(deps: Deps, spec: Spec<Related>): Promise<LedgerView<Related>> {
  const { customerId, relatedKeys, decodeRelated } = spec;
  const [head, ...related] = await readTogether(deps.table, [keys.head(customerId), ...relatedKeys]);
  return { head: requireHead(head, customerId), related: decodeRelated(related) };
}

/** The view after a lost race. An item whose condition held may be stale. */
function withWinners<Related>(
  { relatedKeys, decodeRelated }: Spec<Related>,
  view: LedgerView<Related>,
  { head, winners }: { readonly head: CustomerHead | null; readonly winners: readonly Item[] },
): LedgerView<Related> {
  const found = relatedKeys.map(({ pk, sk }) =>
    winners.find((item) => item['pk'] === pk && item['sk'] === sk),
  );
  // Items are decoded together, so only if all of them are known.
  const related = found.every((item) => item !== undefined) ? decodeRelated(found) : view.related;
  return { head: head ?? view.head, related };
}
