import { type PresentedKey, parseApiKey } from '../domain/api-key.ts';
import { BillingError } from '../errors.ts';
import { decodeApiKey } from '../store/api-keys.ts';
import { type Key, keys } from '../store/keys.ts';
import { type Item, readTogether, type Table } from '../store/table.ts';

export interface Authenticated {
  readonly customerId: string;
  /** The id of the key; not a secret. */
  readonly keyId: string;
  /** The smoke test or the probe signed the customer up. */
  readonly isTest: boolean;
  /** The items that the operation asked for, in its order. */
  readonly items: readonly (Item | undefined)[];
}

/**
 * Identifies the caller by their key, in one read that also fetches what the operation needs next. An
 * unknown, revoked or malformed key gets the same answer.
 * @throws BillingError invalid_api_key, ledger_unavailable
 */
export async function authenticate(
  table: Table,
  key: PresentedKey,
  alsoRead: (customerId: string) => readonly Key[],
): Promise<Authenticated> {
  const [stored, ...items] = await readTogether(table, [
    keys.apiKey(key.customerId, key.keyId),
    ...alsoRead(key.customerId),
  ]);
  if (stored === undefined) throw invalidKey();
  const { revokedAt, isTest } = decodeApiKey(stored);
  if (revokedAt !== null) throw invalidKey();
  return { customerId: key.customerId, keyId: key.keyId, isTest, items };
}

/** @throws BillingError missing_api_key, invalid_api_key */
export function presentedKey(header: string | undefined): PresentedKey {
  if (header === undefined || header.trim() === '') {
    throw new BillingError('missing_api_key', 'Send your API key in the header x-api-key.');
  }
  const key = parseApiKey(header.trim());
  if (key === null) throw invalidKey();
  return key;
}

function invalidKey(): BillingError {
  return new BillingError(
    'invalid_api_key',
    'This key is unknown or was revoked. Check it, or issue another one.',
  );
}
