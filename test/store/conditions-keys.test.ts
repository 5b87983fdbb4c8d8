import { beforeAll, describe, expect, it } from 'vitest';
import { MAX_ACTIVE_KEYS } from '../../lib/domain/api-key.ts';
import { keyIssued } from '../../lib/domain/notices/key-notices.ts';
import { BillingError } from '../../lib/errors.ts';
import { issueKey, revokeKey } from '../../lib/operations/accounts/api-keys.ts';
import type { PaymentDeps } from '../../lib/runtime/deps.ts';
import { type NewKey, putApiKey, putFirstKey, putOnlyKey, revokeApiKey } from '../../lib/store/api-keys.ts';
import { decodeHead } from '../../lib/store/heads.ts';
import { type Key, keys } from '../../lib/store/keys.ts';
import { readTogether, writeTogether } from '../../lib/store/table.ts';
import { update } from '../../lib/store/write.ts';
import { customerWith } from '../support/fixtures.ts';
import { openTestTable, testDeps } from '../support/table.ts';

/* Tests each condition of the keys where only this condition prevents a fault. */

let deps: PaymentDeps;
beforeAll(async () => {
  deps = testDeps(await openTestTable());
});

const AT = new Date('2026-01-02T03:04:05.678Z');
const KEY_ID = 'k'.repeat(64);

const aKey = (keyId: string): NewKey => ({
  keyId,
  name: null,
  scope: 'account',
  isTest: false,
  createdAt: AT.toISOString(),
});

const codeOf = (error: unknown) => (error instanceof BillingError ? error.code : error);

async function readItem(key: Key) {
  const [item] = await readTogether(deps.table, [key]);
  return item;
}

async function readHead(customerId: string) {
  const item = await readItem(keys.head(customerId));
  if (item === undefined) throw new Error('no head');
  return decodeHead(item);
}

describe('API keys', () => {
  it('KEYS_BELOW_LIMIT: a customer cannot have more keys than the limit, even with concurrent calls', async () => {
    const { head } = await customerWith(deps, 5);
    const asked = Array.from({ length: MAX_ACTIVE_KEYS + 3 }, () => issueKey(deps, head.customerId));
    const outcomes = await Promise.allSettled(asked);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(MAX_ACTIVE_KEYS - 1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'too_many_api_keys' });
    }
    expect((await readHead(head.customerId)).activeKeys).toBe(MAX_ACTIVE_KEYS);
  });

  it('KEY_IS_NEW: a key that is sent again after a lost response is counted once, also at the limit', async () => {
    const { head } = await customerWith(deps, 5);
    const put = (n: number) => {
      const keyId = String(n).repeat(64);
      const notice = keyIssued(head.customerId, keyId, 'customer', AT);
      return putApiKey(deps.table, head.customerId, aKey(keyId), notice);
    };
    expect(await put(1)).toEqual({ kind: 'stored' });
    expect(await put(1)).toEqual({ kind: 'stored' });
    expect((await readHead(head.customerId)).activeKeys).toBe(2);
    for (let n = 2; n < MAX_ACTIVE_KEYS; n++) await put(n);
    expect(await put(1)).toEqual({ kind: 'stored' });
    expect((await readHead(head.customerId)).activeKeys).toBe(MAX_ACTIVE_KEYS);
  });

  it('KEY_IS_ACTIVE: revoking a key twice counts once and keeps the first time', async () => {
    const { head } = await customerWith(deps, 5);
    const { keyId } = await issueKey(deps, head.customerId);
    const first = await revokeKey(deps, head.customerId, keyId);
    const later = testDeps(deps.table, { now: () => new Date(Date.now() + 60_000) });
    expect(await revokeKey(later, head.customerId, keyId)).toEqual(first);
    const how = { notice: null, mayBeLast: false };
    const again = await revokeApiKey(deps.table, head.customerId, { keyId, scope: 'account' }, 'later', how);
    expect(again).toMatchObject({ kind: 'already_revoked', key: { revokedAt: first.revokedAt } });
    expect(await readHead(head.customerId)).toMatchObject({ activeKeys: 1, accountKeys: 1 });
  });

  it('KEY_IS_ACTIVE: revoking a missing key writes nothing', async () => {
    const { head } = await customerWith(deps, 5);
    const keyId = 'b'.repeat(64);
    await expect(revokeKey(deps, head.customerId, keyId)).rejects.toMatchObject({
      code: 'api_key_not_found',
    });
    const key = { keyId, scope: 'fixes' } as const;
    const how = { notice: null, mayBeLast: false };
    expect(await revokeApiKey(deps.table, head.customerId, key, 'now', how)).toEqual({ kind: 'unknown' });
    expect(await readItem(keys.apiKey(head.customerId, keyId))).toBeUndefined();
    expect((await readHead(head.customerId)).activeKeys).toBe(1);
  });

  it('KEYS_ARE_COUNTED: revoking a key of a customer who was removed creates no head', async () => {
    const customerId = 'd'.repeat(32);
    await writeTogether(deps.table, [putFirstKey(customerId, aKey(KEY_ID))]);
    const how = { notice: null, mayBeLast: true };
    // By its code alone: `check:conditions` takes the text of an error for a faulty expression.
    const revoked = await revokeApiKey(deps.table, customerId, aKey(KEY_ID), 'now', how).catch(codeOf);
    expect(revoked).toEqual({ kind: 'unknown' });
    expect(await readItem(keys.head(customerId))).toBeUndefined();
  });

  it('ACCOUNT_KEY_REMAINS: of two account keys that are revoked at once, one stays', async () => {
    for (const _ of [1, 2, 3]) {
      const { head, keyId } = await customerWith(deps, 5);
      const other = await issueKey(deps, head.customerId);
      await issueKey(deps, head.customerId, 'customer', { scope: 'fixes' });
      const outcomes = await Promise.allSettled(
        [keyId, other.keyId].map((id) => revokeKey(deps, head.customerId, id)),
      );
      const refused = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
      expect(refused).toMatchObject([{ code: 'last_key' }]);
      expect(await readHead(head.customerId)).toMatchObject({ activeKeys: 2, accountKeys: 1 });
    }
  });

  it('ACCOUNT_KEY_REMAINS: a head of an earlier release counts all its keys as account keys', async () => {
    const { head, keyId } = await customerWith(deps, 5);
    const other = await issueKey(deps, head.customerId);
    const key = keys.head(head.customerId);
    await writeTogether(deps.table, [update(key, { remove: ['account_keys'] })]);
    expect(await readHead(head.customerId)).toMatchObject({ activeKeys: 2, accountKeys: 2 });
    await revokeKey(deps, head.customerId, keyId);
    expect(await readItem(key)).toMatchObject({ active_keys: 1, account_keys: 1 });
    await writeTogether(deps.table, [update(key, { remove: ['account_keys'] })]);
    await expect(revokeKey(deps, head.customerId, other.keyId)).rejects.toMatchObject({ code: 'last_key' });
    await issueKey(deps, head.customerId, 'customer', { scope: 'fixes' });
    expect(await readItem(key)).toMatchObject({ active_keys: 2, account_keys: 1 });
  });

  it('KEYS_UNMOVED: a key that is issued while support ends all others is not left out', async () => {
    const { head, keyId } = await customerWith(deps, 5);
    const late = await issueKey(deps, head.customerId);
    const notice = keyIssued(head.customerId, KEY_ID, 'operator', AT);
    const stale = { others: [{ keyId, scope: 'account' }], counted: 1 } as const;
    const put = (seen: Parameters<typeof putOnlyKey>[4]) =>
      putOnlyKey(deps.table, head.customerId, aKey(KEY_ID), notice, seen);
    expect(await put(stale)).toEqual({ kind: 'stale' });
    const both = [...stale.others, { keyId: late.keyId, scope: 'account' } as const];
    expect(await put({ others: both, counted: 2 })).toEqual({ kind: 'stored' });
    expect(await put({ others: both, counted: 2 })).toEqual({ kind: 'stored' });
    expect(await readHead(head.customerId)).toMatchObject({ activeKeys: 1, accountKeys: 1 });
  });
});
