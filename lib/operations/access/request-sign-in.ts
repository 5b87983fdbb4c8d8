import type { Notice } from '../../domain/notice.ts';
import type { Deps } from '../../runtime/deps.ts';
import { decodeHead } from '../../store/heads.ts';
import { keys } from '../../store/keys.ts';
import { putNotice } from '../../store/notices.ts';
import { findByEmail } from '../../store/owners.ts';
import { hitRateLimit, type RateLimit } from '../../store/rate-limits.ts';
import { readOne, writeTogether } from '../../store/table.ts';
import { retryContended } from '../ledger/retry-contended.ts';

const HOUR_SECONDS = 60 * 60;
const DAY_SECONDS = 24 * HOUR_SECONDS;

/** Sign-in letters for one caller's IP: a stranger's requests do not use up all that a customer gets. */
const OF_SOURCE: readonly RateLimit[] = [
  { limit: 3, windowSeconds: HOUR_SECONDS },
  { limit: 10, windowSeconds: DAY_SECONDS },
];
/** Sign-in letters for all callers: the most letters that any address gets in a day. */
const OF_CUSTOMER: readonly RateLimit[] = [{ limit: 20, windowSeconds: DAY_SECONDS }];

/**
 * Mails a sign-in link if the address belongs to a customer. Returns nothing either way, so a caller cannot
 * learn which addresses do.
 * @throws BillingError ledger_busy, ledger_unavailable
 */
export async function requestSignIn(
  deps: Deps,
  { email, sourceIp }: { readonly email: string; readonly sourceIp: string },
): Promise<void> {
  const address = email.trim().toLowerCase();
  const customerId = await findByEmail(deps.table, address);
  if (customerId === null) return;
  const closedAt = await readOne(deps.table, keys.head(customerId), (item) => decodeHead(item).closedAt);
  if (closedAt !== null) return;
  const ofCustomer = `sign-in#${customerId}`;
  if (!(await hasRoom(deps, `${ofCustomer}#${sourceIp}`, OF_SOURCE))) return;
  if (!(await hasRoom(deps, ofCustomer, OF_CUSTOMER))) return;
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
