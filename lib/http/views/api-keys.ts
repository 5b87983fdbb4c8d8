import type { ListedKey, NewKey } from '../../store/api-keys.ts';
import type { KeyView } from '../contracts/customers.ts';

/* API views of keys. A key itself is shown once, by the call that issues it. */

export const keyView = ({ keyId, name, scope, createdAt, lastUsedOn }: ListedKey): KeyView => ({
  id: keyId,
  name,
  scope,
  created_at: createdAt,
  last_used_on: lastUsedOn,
});

export const issuedKeyView = ({
  keyId,
  apiKey,
  name,
  scope,
  createdAt,
}: NewKey & { readonly apiKey: string }) => ({
  id: keyId,
  api_key: apiKey,
  name,
  scope,
  created_at: createdAt,
});

/** Why the key from the sign-up does not belong in a repository, and what does. */
export const AFTER_SIGN_UP =
  'Keep this key for yourself: it can do everything. For RSOLV-action, issue a key that can only record ' +
  'and bill fixes: POST /api/v1/api-keys with {"scope":"fixes"}.';
