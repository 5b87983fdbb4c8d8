import type { Notice } from '../../domain/notice.ts';
import type { Deps } from '../../runtime/deps.ts';
import { callerKey, isKnownCaller } from '../../store/access/callers.ts';
import { decodeHead } from '../../store/heads.ts';
import { keys } from '../../store/keys.ts';
import { putNotice } from '../../store/notices.ts';
import { findByEmail } from '../../store/owners.ts';
import { hitRateLimit, type RateLimit } from '../../store/rate-limits.ts';
import { readTogether, writeTogether } from '../../store/table.ts';
import { retryContended } from '../ledger/retry-contended.ts';

const HOUR_SECONDS = 60 * 60;
const DAY_SECONDS = 24 * HOUR_SECONDS;

const THREE_AN_HOUR: RateLimit = { limit: 3, windowSeconds: HOUR_SECONDS };
const FIVE_A_DAY: RateLimit = { limit: 5, windowSeconds: DAY_SECONDS };
const TEN_A_DAY: RateLimit = { limit: 10, windowSeconds: DAY_SECONDS };
/**
 * Sign-in letters to one customer. Callers who have signed in of late have letters of their own, which
 * strangers cannot use up. An address gets at most 20 a day.
 */
const LIMITS = {
  known: { ofSource: [THREE_AN_HOUR], ofAll: [TEN_A_DAY] },
  new: { ofSource: [THREE_AN_HOUR, FIVE_A_DAY], ofAll: [TEN_A_DAY] },
} as const;

/**
 * Mails a sign-in link if the address belongs to a customer. Returns nothing either way, so a caller cannot
 * learn which addresses do.
 * @throws BillingError ledger_busy, ledger_unavailable
 */
export async function requestSignIn(
  deps: Deps,
  { email, sourceIp }: { readonly email: string; readonly sourceIp: string },
): Promise<void> {
  const customerId = await findByEmail(deps.table, email.trim());
  if (customerId === null) return;
  const [head, caller] = await readTogether(deps.table, [
    keys.head(customerId),
    callerKey(customerId, sourceIp),
  ]);
  if (head === undefined || decodeHead(head).closedAt !== null) return;
  const callers = isKnownCaller(caller, deps.now()) ? 'known' : 'new';
  if (!(await hasRoom(deps, `sign-in#${customerId}#${sourceIp}`, LIMITS[callers].ofSource))) return;
  if (!(await hasRoom(deps, `sign-in#${customerId}#${callers}`, LIMITS[callers].ofAll))) return;
  const notice: Notice = {
    customerId,
    id: Buffer.from(deps.randomBytes(16)).toString('hex'),
    createdAt: deps.now().toISOString(),
    content: { kind: 'sign_in' },
  };
  await retryContended(deps, () => writeTogether(deps.table, [putNotice(notice)]));
}

async function hasRoom(deps: Deps, scope: string, limits: readonly RateLimit[]): Promise<boolean> {
  for (const limit of limits) {
    const hit = await retryContended(deps, () => hitRateLimit(deps.table, scope, limit, deps.now()));
    if (hit.kind === 'limited') return false;
  }
  return true;
}
