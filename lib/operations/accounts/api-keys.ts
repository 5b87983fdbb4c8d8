import {
  apiKeyId,
  formatApiKey,
  type KeyScope,
  MAX_ACTIVE_KEYS,
  MIN_KEY_PREFIX,
} from '../../domain/api-key.ts';
import type { CustomerHead } from '../../domain/customer.ts';
import { keyIssued, keyRevoked } from '../../domain/notices/key-notices.ts';
import { isTestCustomerEmail } from '../../domain/test-customer.ts';
import { BillingError } from '../../errors.ts';
import type { Deps } from '../../runtime/deps.ts';
import {
  findApiKeys,
  type ListedKey,
  listActiveKeys,
  type NewKey,
  putApiKey,
  putOnlyKey,
  revokeApiKey,
  type StoredKey,
} from '../../store/api-keys.ts';
import { readHead } from '../../store/heads.ts';
import { accountClosed, customerGone } from '../ledger/require-item.ts';
import { ledgerBusy, retryContended } from '../ledger/retry-contended.ts';

/** What a caller chooses about a new key. Without a scope, it is an `account` key. */
export interface KeyWish {
  readonly name?: string | null | undefined;
  readonly scope?: KeyScope | undefined;
}

export interface IssuedKey extends NewKey {
  /** The key is available only here; the table stores its hash. */
  readonly apiKey: string;
}

type Issuer = 'customer' | 'operator';

/**
 * Issues another key and notifies the customer. Existing keys keep working until they are revoked.
 * @param replaces a key to revoke in the same transaction, by its id or its beginning
 * @param read the customer's head, if already read
 * @throws BillingError account_closed, too_many_api_keys, ledger_busy, ledger_unavailable; with `replaces`
 * api_key_not_found, api_key_ambiguous, last_key
 */
export async function issueKey(
  deps: Deps,
  customerId: string,
  by: Issuer = 'customer',
  { replaces, ...wish }: KeyWish & { readonly replaces?: string | undefined } = {},
  read?: CustomerHead,
): Promise<IssuedKey> {
  const replaced = replaces === undefined ? undefined : await findActiveKey(deps, customerId, replaces);
  const head = read ?? (await readHead(deps.table, customerId));
  const { drawn, apiKey, at } = draw(deps, customerId, wish);
  const key: NewKey = { ...drawn, isTest: isOfTest(head) };
  const notice = keyIssued(customerId, key.keyId, by, at, {
    scope: key.scope,
    replaced: replaced?.keyId ?? null,
  });
  const { kind } = await retryContended(deps, () => putApiKey(deps.table, customerId, key, notice, replaced));
  switch (kind) {
    case 'stored':
      return { ...key, apiKey };
    case 'closed':
      throw accountClosed(customerId);
    case 'too_many':
      throw tooManyKeys();
    case 'last_key':
      throw lastKey(by);
    case 'not_active':
      throw notActive();
    default:
      return kind satisfies never;
  }
}

export interface OnlyKey extends IssuedKey {
  /** The keys that were revoked. */
  readonly ended: readonly string[];
}

/** Keys cannot change as often as this while they are replaced. */
const MAX_LISTINGS = 5;

/**
 * Issues an `account` key and revokes all other keys, in one transaction: for a customer whose keys leaked or
 * are lost. The letter says so.
 * @throws BillingError customer_not_found, account_closed, ledger_busy, ledger_unavailable
 */
export async function issueOnlyKey(
  deps: Deps,
  customerId: string,
  by: Issuer,
  wish: KeyWish = {},
): Promise<OnlyKey> {
  const { drawn, apiKey, at } = draw(deps, customerId, { ...wish, scope: 'account' });
  for (let tries = 0; tries < MAX_LISTINGS; tries++) {
    const head = (await readHead(deps.table, customerId)) ?? customerGone();
    const key: NewKey = { ...drawn, isTest: isOfTest(head) };
    // After a try whose answer was lost, the new key is listed too.
    const listed = await listActiveKeys(deps.table, customerId);
    // The list is read page by page. A key that ended and another that was issued meanwhile leave the count.
    if (listed.length !== head.activeKeys) continue;
    const others = listed.filter(({ keyId }) => keyId !== key.keyId);
    const ended = others.map(({ keyId }) => keyId);
    const notice = keyIssued(customerId, key.keyId, by, at, { ended: ended.length });
    const { kind } = await retryContended(deps, () =>
      putOnlyKey(deps.table, customerId, key, notice, { others, counted: head.activeKeys }),
    );
    if (kind === 'stored') return { ...key, apiKey, ended };
    if (kind === 'closed') throw accountClosed(customerId);
  }
  throw ledgerBusy();
}

export interface RevokedKey {
  readonly keyId: string;
  readonly revokedAt: string;
}

/**
 * Revokes a key immediately, and notifies the customer. A repeat returns the first revocation.
 * @param named the key's id, or its beginning
 * @throws BillingError api_key_not_found (also for another customer's key), api_key_ambiguous, last_key,
 * ledger_busy, ledger_unavailable
 */
export async function revokeKey(
  deps: Deps,
  customerId: string,
  named: string,
  by: Issuer = 'customer',
): Promise<RevokedKey> {
  const { keyId, scope, revokedAt } = await findKey(deps, customerId, named);
  if (revokedAt !== null) return { keyId, revokedAt };
  const at = deps.now();
  const notice = keyRevoked(customerId, { keyId, scope, by }, at);
  return revoke(deps, customerId, { keyId, scope }, { at, by, notice, mayBeLast: false });
}

/** Revokes every key of a customer, also the last one, without a letter: the account is being closed. */
export async function revokeAllKeys(deps: Deps, customerId: string): Promise<void> {
  for (const { keyId, scope } of await listActiveKeys(deps.table, customerId)) {
    const how = { at: deps.now(), by: 'operator', notice: null, mayBeLast: true } as const;
    await revoke(deps, customerId, { keyId, scope }, how);
  }
}

async function revoke(
  deps: Deps,
  customerId: string,
  key: StoredKey,
  { at, by, ...how }: Parameters<typeof revokeApiKey>[4] & { readonly at: Date; readonly by: Issuer },
): Promise<RevokedKey> {
  const { keyId } = key;
  const now = at.toISOString();
  const result = await retryContended(deps, () => revokeApiKey(deps.table, customerId, key, now, how));
  switch (result.kind) {
    case 'revoked':
      return { keyId, revokedAt: now };
    case 'already_revoked':
      return { keyId, revokedAt: result.key.revokedAt ?? now };
    case 'unknown':
      throw notFound();
    case 'last_key':
      throw lastKey(by);
    default:
      return result satisfies never;
  }
}

/** The one key that is active. @throws BillingError as `findKey`, and api_key_not_found if it is revoked */
async function findActiveKey(deps: Deps, customerId: string, named: string): Promise<ListedKey> {
  const key = await findKey(deps, customerId, named);
  if (key.revokedAt !== null) throw notActive();
  return key;
}

const KEY_ID_PREFIX = /^[0-9a-f]{1,64}$/;

/**
 * The key that an id, or its beginning, names. Of several keys, it is the active one.
 * @throws BillingError api_key_not_found, api_key_ambiguous
 */
async function findKey(deps: Deps, customerId: string, named: string): Promise<ListedKey> {
  const prefix = named.toLowerCase();
  // The table refuses a key that is too long, so nothing else reaches it.
  if (prefix.length < MIN_KEY_PREFIX || !KEY_ID_PREFIX.test(prefix)) throw notFound();
  const found = await findApiKeys(deps.table, customerId, prefix);
  const active = found.filter(({ revokedAt }) => revokedAt === null);
  const [key, ...others] = active.length > 0 ? active : found;
  if (key === undefined) throw notFound();
  if (others.length === 0) return key;
  const detail = `${others.length + 1} keys begin with ${prefix}. Send more of the id.`;
  throw new BillingError('api_key_ambiguous', detail);
}

function draw(deps: Deps, customerId: string, { name = null, scope = 'account' }: KeyWish) {
  const apiKey = formatApiKey(customerId, deps.randomBytes(32));
  const at = deps.now();
  const drawn = { keyId: apiKeyId(apiKey), name, scope, createdAt: at.toISOString() };
  return { drawn, apiKey, at };
}

/** Without a head, the customer was removed meanwhile, and no key is stored. */
const isOfTest = (head: CustomerHead | null): boolean => head !== null && isTestCustomerEmail(head.email);

const notFound = (): BillingError =>
  new BillingError(
    'api_key_not_found',
    `There is no API key with this id. Send the id, or at least its first ${MIN_KEY_PREFIX} characters.`,
  );

const notActive = (): BillingError =>
  new BillingError(
    'api_key_not_found',
    'The key to replace is revoked already. Issue a key without `replaces`.',
  );

const tooManyKeys = (): BillingError =>
  new BillingError(
    'too_many_api_keys',
    `A customer has at most ${MAX_ACTIVE_KEYS} active keys. Replace one with \`replaces\`, or revoke one ` +
      'first: DELETE /api/v1/api-keys/{id}.',
  );

/** What the caller can do instead. */
const INSTEAD: Readonly<Record<Issuer, string>> = {
  customer:
    'Issue another one first, or replace this one in one step: POST /api/v1/api-keys with `replaces`.',
  operator: 'Issue a key and end all others in one step: keys issue --end-others.',
};

const lastKey = (by: Issuer): BillingError =>
  new BillingError('last_key', `This is the last active key with the scope \`account\`. ${INSTEAD[by]}`);
