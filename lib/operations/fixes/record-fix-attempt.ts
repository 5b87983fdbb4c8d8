import {
  type FixAttempt,
  fixAttemptId,
  laterAttemptId,
  type PullRequest,
  RECORDINGS,
  type RecordedFix,
} from '../../domain/fix-attempt.ts';
import { BillingError } from '../../errors.ts';
import type { Deps } from '../../runtime/deps.ts';
import { decodeFix, type Namesake, putNewFix, takeRepository } from '../../store/fix-attempts.ts';
import { type Key, keys } from '../../store/keys.ts';
import { type Item, readTogether, type Write } from '../../store/table.ts';
import { onFirstTry, retryContended } from '../ledger/retry-contended.ts';

export type NewFixAttempt = Omit<RecordedFix, 'id' | 'createdAt'>;

export interface RecordedAttempt {
  readonly created: boolean;
  readonly fix: FixAttempt;
}

/** One for each step that another caller can overtake, and one spare. */
const MAX_STEPS = 6;

/** The items that recording or looking up a pull request reads first, in the order both use. */
export function attemptKeys(customerId: string, named: PullRequest, repositoryId: number | null): Key[] {
  const first = keys.fix(customerId, fixAttemptId(named));
  if (repositoryId === null) return [first];
  return [first, keys.fix(customerId, laterAttemptId(named, repositoryId))];
}

/**
 * Records the pull request of a fix, or returns the stored attempt of the same one. Without `repositoryId`,
 * that is the newest attempt under these names. A stored attempt without an id of its repository takes the
 * given id. Only a different id creates a new attempt.
 * @param read the items of `attemptKeys`, if already read
 * @param keyUse the use of the caller's key, stored beside a new attempt
 * @throws BillingError rate_limited (new attempts of the day), ledger_busy, ledger_unavailable
 */
export async function recordFixAttempt(
  deps: Deps,
  customerId: string,
  attempt: NewFixAttempt,
  repositoryId: number | null = null,
  read?: readonly (Item | undefined)[],
  keyUse: readonly Write[] = [],
): Promise<RecordedAttempt> {
  const extra = onFirstTry(keyUse);
  let items = read;
  for (let step = 0; step < MAX_STEPS; step++) {
    items ??= await readTogether(deps.table, attemptKeys(customerId, attempt, repositoryId));
    const [first, later] = items.map((item) => (item === undefined ? undefined : decodeFix(item)));
    items = undefined;
    const found = later ?? (await findStored(deps, customerId, first, repositoryId));
    if (found === 'stale') continue;
    if (found !== null) return { created: false, fix: found };
    const recorded = await record(deps, customerId, attempt, { repositoryId, first, extra });
    if (recorded !== 'stale') return recorded;
  }
  throw new BillingError(
    'ledger_busy',
    'Too many concurrent recordings of this pull request. Send the same request again.',
  );
}

/** The stored attempt that a request refers to; null if the request is for a new one. */
async function findStored(
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

/**
 * The newest attempt under the first attempt's names: the first itself, unless another repository took over
 * the names.
 */
export async function newestAttempt(deps: Deps, customerId: string, first: FixAttempt): Promise<FixAttempt> {
  if (first.newestId === null) return first;
  const [newest] = await readTogether(deps.table, [keys.fix(customerId, first.newestId)]);
  return newest === undefined ? first : decodeFix(newest);
}

interface Context {
  readonly repositoryId: number | null;
  /** The first attempt under these names, as read. */
  readonly first: FixAttempt | undefined;
  /** What is written beside the attempt. */
  readonly extra: () => readonly Write[];
}

async function record(
  deps: Deps,
  customerId: string,
  attempt: NewFixAttempt,
  { repositoryId, first, extra }: Context,
): Promise<RecordedAttempt | 'stale'> {
  const namesake = first && namesakeOf(first);
  const isLater = namesake !== undefined && repositoryId !== null;
  const id = isLater ? laterAttemptId(attempt, repositoryId) : fixAttemptId(attempt);
  const fix = { ...attempt, id, createdAt: deps.now().toISOString() };
  const of = { repositoryId, ...(namesake && { namesake }) };
  const result = await retryContended(deps, () =>
    putNewFix(deps.table, customerId, fix, { ...of, alongside: extra() }),
  );
  switch (result.kind) {
    case 'recorded':
      return { created: true, fix: { ...fix, ...UNBILLED, repositoryId } };
    case 'exists':
      // The same pull request, unless a concurrent call recorded it for another repository.
      return repositoryId === null || result.fix.repositoryId === repositoryId
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
    `At most ${RECORDINGS.limit.toLocaleString('en-US')} new fix attempts can be recorded per day. ` +
    'Recorded attempts can still be billed. The limit resets at midnight UTC.';
  return new BillingError('rate_limited', detail, { retryAfterSeconds, limit: RECORDINGS.name });
}
