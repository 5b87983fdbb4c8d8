import { apiKeyId, formatApiKey, MAX_ACTIVE_KEYS } from '../../domain/api-key.ts';
import { keyIssued } from '../../domain/notice.ts';
import { BillingError } from '../../errors.ts';
import type { Deps } from '../../runtime/deps.ts';
import { putApiKey, revokeApiKey } from '../../store/api-keys.ts';
import { accountClosed } from '../ledger/require-item.ts';
import { retryContended } from '../ledger/retry-contended.ts';

export interface IssuedKey {
  readonly keyId: string;
  /** The key is available only here; the table stores its hash. */
  readonly apiKey: string;
  readonly createdAt: string;
}

/**
 * Issues another key and notifies the customer. Existing keys keep working until they are revoked.
 * @throws BillingError account_closed, too_many_api_keys, ledger_busy, ledger_unavailable
 */
export async function issueKey(
  deps: Deps,
  customerId: string,
  by: 'customer' | 'operator' = 'customer',
): Promise<IssuedKey> {
  const apiKey = formatApiKey(customerId, deps.randomBytes(32));
  const keyId = apiKeyId(apiKey);
  const at = deps.now();
  const createdAt = at.toISOString();
  const notice = keyIssued(customerId, keyId, by, at);
  const result = await retryContended(deps, () =>
    putApiKey(deps.table, customerId, keyId, createdAt, notice),
  );
  if (result.kind === 'stored') return { keyId, apiKey, createdAt };
  if (result.kind === 'closed') throw accountClosed(customerId);
  const detail =
    `A customer has at most ${MAX_ACTIVE_KEYS} active keys. Revoke one first: DELETE ` +
    '/api/v1/api-keys/{id}.';
  throw new BillingError('too_many_api_keys', detail);
}

/**
 * Revokes a key immediately. A repeat returns the first revocation.
 * @throws BillingError api_key_not_found (also for another customer's key), ledger_busy, ledger_unavailable
 */
export async function revokeKey(
  deps: Deps,
  customerId: string,
  keyId: string,
): Promise<{ readonly keyId: string; readonly revokedAt: string }> {
  const now = deps.now().toISOString();
  const result = await retryContended(deps, () => revokeApiKey(deps.table, customerId, keyId, now));
  switch (result.kind) {
    case 'revoked':
      return { keyId, revokedAt: now };
    case 'already_revoked':
      return { keyId, revokedAt: result.key.revokedAt ?? now };
    case 'unknown':
      throw new BillingError('api_key_not_found', 'There is no API key with this id.');
    default:
      return result satisfies never;
  }
}
