import type { Notice } from '../../domain/notice.ts';
import type { Deps } from '../../runtime/deps.ts';
import { decodeHead } from '../../store/heads.ts';
import { keys } from '../../store/keys.ts';
import { putNotice } from '../../store/notices.ts';
import { findByEmail } from '../../store/owners.ts';
import { hitRateLimit, type RateLimit } from '../../store/rate-limits.ts';
import { readOne, writeTogether } from '../../store/table.ts';
import { retryContended } from '../ledger/retry-contended.ts';

/** Sign-in letters per customer and caller's IP: a stranger's requests do not use up the owner's. */
const LETTERS: RateLimit = { limit: 3, windowSeconds: 60 * 60 };

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
