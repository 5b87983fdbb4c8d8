import { isMuted } from '../../domain/notice-kinds.ts';
import { dayOf, nextDay } from '../../domain/notices/caps.ts';
import type { Deps } from '../../runtime/deps.ts';
import { type DueWork, dueWorkPages, postponeWork } from '../../store/due-work.ts';
import { decodeHead } from '../../store/heads.ts';
import { customerIdOf, type Key, keys, type NoticeName, parseNoticeKey } from '../../store/keys.ts';
import { decodeNotice } from '../../store/notices.ts';
import { gatherHeld, JOINED_AT_ONCE, releaseDigest } from '../../store/outbox/held-notices.ts';
import { type Item, readTogether } from '../../store/table.ts';
import { retryContended } from '../ledger/retry-contended.ts';
import { eachConcurrently } from '../work/each-concurrently.ts';
import { isUnread } from './unread.ts';

const AT_ONCE = 10;
/** Names of notices that fit into one item of at most 400 kB. */
const MOST_JOINED = 2_000;
/** The low-balance warnings run first, in the same function. */
const MAX_RUN_MS = 30_000;

export interface Joined {
  /** Digests put into the stream. */
  readonly digests: number;
  /** Customers whose notices could not be joined. They stay held, and the next run tries again. */
  readonly failed: number;
}

/**
 * Joins the notices that were held until today into one digest for each customer and day, and puts the
 * digests into the stream. Idempotent, also concurrently and after a crash: a notice leaves the index in the
 * transaction that adds it to a digest, and a digest stays in the index until it is released.
 * @throws BillingError ledger_unavailable if the notices cannot be read
 */
export async function joinHeldNotices(deps: Deps): Promise<Joined> {
  const startedAt = deps.now();
  const isLate = () => deps.now().getTime() - startedAt.getTime() > MAX_RUN_MS;
  const digests = new Map<string, NoticeName>();
  const failed = new Set<string>();
  const attempt = async (customerId: string, work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      failed.add(customerId);
      deps.report({ kind: 'notices_not_joined', customerId, error });
    }
  };
  for await (const page of dueWorkPages(deps.table, 'held', startedAt, JOINED_AT_ONCE)) {
    const customers = Map.groupBy(page, ({ key }) => customerIdOf(key.pk));
    await eachConcurrently([...customers], AT_ONCE, isLate, ([customerId, held]) =>
      attempt(customerId, async () => {
        for (const digest of await gather(deps, customerId, held, startedAt)) {
          digests.set(`${customerId} ${digest.id}`, digest);
        }
      }),
    );
    if (isLate()) break;
  }
  let released = 0;
  await eachConcurrently(
    [...digests.values()],
    AT_ONCE,
    () => false,
    (digest) =>
      attempt(digest.customerId, async () => {
        const result = await retryContended(deps, () => releaseDigest(deps.table, digest, deps.now()));
        if (result.kind === 'written') released += 1;
      }),
  );
  deps.report({ kind: 'notices_joined', digests: released, failed: failed.size });
  return { digests: released, failed: failed.size };
}

/** Joins held notices of a customer. Returns the digests to release, also those of a crashed run. */
async function gather(
  deps: Deps,
  customerId: string,
  held: readonly DueWork[],
  at: Date,
): Promise<readonly NoticeName[]> {
  const { listed, waiting } = divided(held);
  const today: NoticeName = { customerId, kind: 'digest', id: dayOf(at) };
  if (waiting.length === 0) return listed;
  const [head, digest, ...items] = await readTogether(deps.table, [
    keys.head(customerId),
    keyOf(today),
    ...waiting.map(({ work }) => work.key),
  ]);
  if (head === undefined) return listed;
  // The index may be stale: only the item says that it is held.
  const found = waiting.filter((_, i) => items[i]?.['state'] === 'held');
  const customer = decodeHead(head);
  const isNotSent = ({ kind }: NoticeName) => isUnread(customer) || isMuted(kind, customer.mutedNotices);
  const names = found.map(({ name }) => name);
  const gathered = {
    joined: names.filter((name) => !isNotSent(name)),
    muted: names.filter((name) => isNotSent(name)),
  };
  if (gathered.joined.length > 0 && !hasRoom(digest)) {
    // One digest a day: these wait for the next one.
    for (const { work } of found) await postponeWork(deps.table, work, nextDay(at));
    return listed;
  }
  if (names.length === 0) return listed;
  const notice = {
    customerId,
    id: today.id,
    createdAt: at.toISOString(),
    content: { kind: 'digest', notices: [] },
  } as const;
  // Refused: a concurrent run was first. The next run finds what is still held.
  const result = await retryContended(deps, () =>
    gatherHeld(deps.table, notice, digest !== undefined, gathered, at),
  );
  return result.kind === 'written' && gathered.joined.length > 0 ? [...listed, today] : listed;
}

/** A released digest gets no more notices. Some come late: a delivery's clock can be behind at midnight. */
function hasRoom(digest: Item | undefined): boolean {
  if (digest === undefined) return true;
  const { state, content } = decodeNotice(digest);
  return state === 'held' && content.kind === 'digest' && content.notices.length < MOST_JOINED;
}

/** Splits due work into digests of crashed runs and notices to join. Kinds of a newer release stay held. */
function divided(held: readonly DueWork[]) {
  const listed: NoticeName[] = [];
  const waiting: { readonly work: DueWork; readonly name: NoticeName }[] = [];
  for (const work of held) {
    const name = parseNoticeKey(work.key);
    if (name?.kind === 'digest') listed.push(name);
    else if (name !== null) waiting.push({ work, name });
  }
  return { listed, waiting };
}

const keyOf = ({ customerId, kind, id }: NoticeName): Key => keys.notice(customerId, kind, id);
