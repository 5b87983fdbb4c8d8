import type { Notice } from '../../domain/notice.ts';
import type { Deps } from '../../runtime/deps.ts';
import { decodeHead } from '../../store/heads.ts';
import { keys } from '../../store/keys.ts';
import { putNotice } from '../../store/notices.ts';
import { findByEmail } from '../../store/owners.ts';
import { hitRateLimit, type RateLimit } from '../../store/rate-limits.ts';
import { readOne, writeTogether } from '../../store/table.ts';
import { retryContended } from '../ledger/retry-contended.ts';

/**
 * Letters to one address that one source can cause. Counted for the pair, so that a stranger's requests do
 * not keep the owner out.
 */
const LETTERS: RateLimit = { limit: 3, windowSeconds: 60 * 60 };

/**
 * Has a sign-in link sent to a customer's address. Says nothing about the address: a caller cannot learn
 * which addresses are customers.
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
  const scope = `sign-in#${customerId}#${sourceIp}`;
  const hit = await retryContended(deps, () => hitRateLimit(deps.table, scope, LETTERS, deps.now()));
  if (hit.kind === 'limited') return;
  const notice: Notice = {
    customerId,
    id: Buffer.from(deps.randomBytes(16)).toString('hex'),
    createdAt: deps.now().toISOString(),
    content: { kind: 'sign_in' },
  };
  await retryContended(deps, () => writeTogether(deps.table, [putNotice(notice)]));
}
