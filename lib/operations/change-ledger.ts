import type { Deps } from '../deps.ts';
import type { CustomerHead } from '../domain/customer.ts';
import { type LedgerEntry, type LedgerState, type Posting, post } from '../domain/ledger.ts';
import { BillingError } from '../errors.ts';
import { decodeHead } from '../store/items.ts';
import { type Key, keys } from '../store/keys.ts';
import { commit, type OnceWrite } from '../store/ledger.ts';
import { type Item, readTogether } from '../store/table.ts';

/** What a decision is made on: the head, and the item that makes the change happen once, as they were read. */
export interface LedgerView<Once> {
  readonly head: CustomerHead;
  readonly once: Once;
}

export type LedgerDecision<Settled> =
  /** What was read does not go together; several items read in one call are no snapshot. */
  | { readonly kind: 'stale' }
  | { readonly kind: 'settled'; readonly outcome: Settled }
  | {
      readonly kind: 'change';
      readonly postings: readonly Posting[];
      readonly once: (next: LedgerState, at: Date) => OnceWrite;
    };

export type LedgerChange<Settled> =
  | { readonly kind: 'settled'; readonly outcome: Settled }
  | {
      readonly kind: 'changed';
      readonly state: LedgerState;
      readonly entries: readonly LedgerEntry[];
      readonly at: Date;
    };

export interface LedgerChangeSpec<Once, Settled> {
  readonly customerId: string;
  readonly onceKey: Key;
  /** Undefined when there is no such item. */
  readonly decodeOnce: (item: Item | undefined) => Once;
  /** Pure. Called again with what stands in the table after each lost race. */
  readonly decide: (view: LedgerView<Once>) => LedgerDecision<Settled>;
}

/** With full jitter, 100 writers at once on one customer finish in a dozen tries; see docs/decisions. */
const MAX_COMMIT_TRIES = 20;
const MAX_WAIT_MS = 2_000;
/** Kept below the function's timeout, so that a client hears of a busy ledger from us. */
const MAX_TOTAL_MS = 12_000;

/**
 * Changes a balance once: decide on what was read, write it under the condition that nothing moved, and if somebody
 * else was first, decide again. Safe to repeat, at the same time or later: `once` lets one of them through.
 * @param first the view that the caller has read already, to save a call
 * @throws BillingError ledger_busy when the tries are used up (nothing was written), ledger_unavailable,
 * customer_not_found
 */
export async function changeLedger<Once, Settled>(
  deps: Deps,
  spec: LedgerChangeSpec<Once, Settled>,
  first?: LedgerView<Once>,
): Promise<LedgerChange<Settled>> {
  const startedMs = deps.now().getTime();
  let view = first ?? (await readView(deps, spec));
  for (let tries = 1; tries <= MAX_COMMIT_TRIES; tries++) {
    const decision = spec.decide(view);
    if (decision.kind === 'settled') return decision;
    if (decision.kind === 'stale') {
      view = await readView(deps, spec);
      continue;
    }

    const at = deps.now();
    const next = post(view.head, decision.postings, at);
    const result = await commit(
      deps.table,
      view.head,
      next.state,
      next.entries,
      decision.once(next.state, at),
    );
    if (result.kind === 'committed') return { kind: 'changed', ...next, at };

    if (result.kind === 'lost') {
      // The winner's items came back with the refusal. Where they settle the matter no further call is needed.
      const once = result.once === undefined ? view.once : spec.decodeOnce(result.once);
      const again = spec.decide({ head: result.head ?? view.head, once });
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

async function readView<Once, Settled>(
  deps: Deps,
  { customerId, onceKey, decodeOnce }: LedgerChangeSpec<Once, Settled>,
): Promise<LedgerView<Once>> {
  const [head, once] = await readTogether(deps.table, [keys.head(customerId), onceKey]);
  return { head: existingHead(head, customerId), once: decodeOnce(once) };
}

/** @throws BillingError customer_not_found */
export function existingHead(item: Item | undefined, customerId: string): CustomerHead {
  if (item !== undefined) return decodeHead(item);
  throw new BillingError('customer_not_found', `There is no customer ${customerId}.`);
}
