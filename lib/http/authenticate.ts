import { type KeyScope, type PresentedKey, parseApiKey, permits } from '../domain/api-key.ts';
import { BillingError } from '../errors.ts';
import { decodeApiKey, noteKeyUse } from '../store/api-keys.ts';
import { type Key, keys } from '../store/keys.ts';
import { type Item, readTogether, type Table, type Write } from '../store/table.ts';

export interface Authenticated {
  readonly customerId: string;
  /** The id of the key; not a secret. */
  readonly keyId: string;
  readonly scope: KeyScope;
  /** The smoke test or the probe signed the customer up. */
  readonly isTest: boolean;
  /**
   * The write that stores today as the key's last use, for a call that writes anyway. Empty if today is
   * stored already.
   */
  readonly keyUse: readonly Write[];
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
  now: Date,
  alsoRead: (customerId: string) => readonly Key[],
): Promise<Authenticated> {
  const [stored, ...items] = await readTogether(table, [
    keys.apiKey(key.customerId, key.keyId),
    ...alsoRead(key.customerId),
  ]);
  if (stored === undefined) throw invalidKey();
  const { revokedAt, scope, isTest, lastUsedOn } = decodeApiKey(stored);
  if (revokedAt !== null) throw invalidKey();
  const today = now.toISOString().slice(0, 10);
  const keyUse = lastUsedOn === today ? [] : [noteKeyUse(key.customerId, key.keyId, today)];
  return { ...key, scope, isTest, keyUse, items };
}

/** @throws BillingError scope_missing */
export function requireScope(scope: KeyScope, needed: KeyScope): void {
  if (permits(scope, needed)) return;
  throw new BillingError(
    'scope_missing',
    `This call needs a key with the scope \`${needed}\`, such as the key from the sign-up. This key has ` +
      `the scope \`${scope}\`.`,
  );
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
    'This key is unknown or was revoked. Check it, or get a new one at /billing, by e-mail.',
  );
}
