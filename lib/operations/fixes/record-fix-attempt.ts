import {
  type FixAttempt,
  fixAttemptId,
  laterAttemptId,
  type PullRequest,
  type RecordedFix,
} from '../../domain/fix-attempt.ts';
import { BillingError } from '../../errors.ts';
import type { Deps } from '../../runtime/deps.ts';
import { decodeFix, type Namesake, putNewFix, takeRepository } from '../../store/fix-attempts.ts';
import { type Key, keys } from '../../store/keys.ts';
import { RECORDINGS_PER_DAY } from '../../store/rate-limits.ts';
import { type Item, readTogether } from '../../store/table.ts';
import { retryContended } from '../ledger/retry-contended.ts';

export type NewFixAttempt = Omit<RecordedFix, 'id' | 'createdAt'>;

export interface RecordedAttempt {
  readonly created: boolean;
  readonly fix: FixAttempt;
}

/** Each step that another caller can overtake, and one to spare. */
const MAX_STEPS = 6;

/** The items that recording a pull request, or looking it up, starts from, in the order that both take them. */
export function attemptKeys(customerId: string, named: PullRequest, repositoryId: number | null): Key[] {
  const first = keys.fix(customerId, fixAttemptId(named));
  if (repositoryId === null) return [first];
  return [first, keys.fix(customerId, laterAttemptId(named, repositoryId))];
}

/**
 * Records the pull request of a fix. The same pull request again answers with what is stored. Without `repositoryId` that is the
 * newest attempt under these names; a stored attempt that has no number takes the given one over; only one that has another
 * number makes a new attempt.
 * @param read the items of `attemptKeys`, where they were read already
 * @throws BillingError rate_limited (new attempts of the day), ledger_busy, ledger_unavailable
 */
export async function recordFixAttempt(
  deps: Deps,
  customerId: string,
  attempt: NewFixAttempt,
  repositoryId: number | null = null,
  read?: readonly (Item | undefined)[],
): Promise<RecordedAttempt> {
  let items = read;
  for (let step = 0; step < MAX_STEPS; step++) {
    items ??= await readTogether(deps.table, attemptKeys(customerId, attempt, repositoryId));
    const [first, later] = items.map((item) => (item === undefined ? undefined : decodeFix(item)));
    items = undefined;
    const found = later ?? (await foundFirst(deps, customerId, first, repositoryId));
    if (found === 'stale') continue;
    if (found !== null) return { created: false, fix: found };
    const recorded = await record(deps, customerId, attempt, repositoryId, first);
    if (recorded !== 'stale') return recorded;
  }
  throw new BillingError('ledger_busy', 'The same pull request is recorded many times at once. Try again.');
}

/** The stored attempt that a recording means; null where it means a new one. */
async function foundFirst(
  deps: Deps,
  customerId: string,
  first: FixAttempt | undefined,
  repositoryId: number | null,
): Promise<FixAttempt | 'stale' | null> {
  if (first === undefined) return null;
  if (repositoryId === null) return newestAttempt(deps, customerId, first);
  if (first.repositoryId === repositoryId) return first;
  if (first.repositoryId !== null) return null;
  const taken = await retryContended(deps, () =>
    takeRepository(deps.table, customerId, first.id, repositoryId),
  );
  return taken.kind === 'written' ? { ...first, repositoryId } : 'stale';
}

/** The newest attempt under the names of the first one: itself, unless another repository has taken the names over. */
export async function newestAttempt(deps: Deps, customerId: string, first: FixAttempt): Promise<FixAttempt> {
  if (first.newestId === null) return first;
  const [newest] = await readTogether(deps.table, [keys.fix(customerId, first.newestId)]);
  return newest === undefined ? first : decodeFix(newest);
}

async function record(
  deps: Deps,
  customerId: string,
  attempt: NewFixAttempt,
  repositoryId: number | null,
  first: FixAttempt | undefined,
): Promise<RecordedAttempt | 'stale'> {
  const namesake = first && namesakeOf(first);
  const isLater = namesake !== undefined && repositoryId !== null;
  const id = isLater ? laterAttemptId(attempt, repositoryId) : fixAttemptId(attempt);
  const fix = { ...attempt, id, createdAt: deps.now().toISOString() };
  const of = { repositoryId, ...(namesake && { namesake }) };
  const result = await retryContended(deps, () => putNewFix(deps.table, customerId, fix, of));
  switch (result.kind) {
    case 'recorded':
      return { created: true, fix: { ...fix, ...UNBILLED, repositoryId } };
    case 'exists':
      // The same pull request, unless it was recorded meanwhile for another repository.
      return isLater || repositoryId === null || result.fix.repositoryId === repositoryId
        ? { created: false, fix: result.fix }
        : 'stale';
    case 'stale':
      return 'stale';
    case 'limited':
      throw tooManyAttempts(deps.now());
    default:
      return result satisfies never;
  }
}

const UNBILLED = { billed: null, charge: null, refundedCents: 0, blockedAtRaise: null, newestId: null };

function namesakeOf({ id, newestId, repositoryId }: FixAttempt): Namesake | undefined {
  return repositoryId === null ? undefined : { id, newestId, repositoryId };
}

const DAY_MS = 24 * 60 * 60 * 1000;

function tooManyAttempts(now: Date): BillingError {
  const retryAfterSeconds = Math.ceil((DAY_MS - (now.getTime() % DAY_MS)) / 1000);
  const detail =
    `At most ${RECORDINGS_PER_DAY.toLocaleString('en-US')} new fix attempts are recorded a day. ` +
    'Attempts that are recorded can be billed. Record more after midnight UTC.';
  return new BillingError('rate_limited', detail, { retryAfterSeconds });
}
