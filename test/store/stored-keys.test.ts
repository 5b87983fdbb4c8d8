import { beforeAll, describe, expect, it } from 'vitest';
import type { KeyScope } from '../../lib/domain/api-key.ts';
import { keyIssued, keyRevoked } from '../../lib/domain/notices/key-notices.ts';
import type { PaymentDeps } from '../../lib/runtime/deps.ts';
import {
  countsOf,
  listActiveKeys,
  listApiKeys,
  type NewKey,
  noteKeyUse,
  putApiKey,
  putFirstKey,
  putOnlyKey,
  revokeApiKey,
  type StoredKey,
} from '../../lib/store/api-keys.ts';
import { keys } from '../../lib/store/keys.ts';
import { writeTogether } from '../../lib/store/table.ts';
import { put, remove } from '../../lib/store/write.ts';
import { markClosed } from '../support/customers.ts';
import { customerWith } from '../support/fixtures.ts';
import { headOf } from '../support/money.ts';
import { noticeContentsOf } from '../support/notices.ts';
import { openTestTable, testDeps } from '../support/table.ts';

/* The stored keys of a customer, their counts in the head, and replacing and revoking them. */

let deps: PaymentDeps;
beforeAll(async () => {
  deps = testDeps(await openTestTable());
});

const AT = new Date('2026-01-02T03:04:05.678Z');

let drawn = 0;
function newKey(facts: Partial<NewKey> = {}): NewKey {
  drawn += 1;
  const keyId = String(drawn).padStart(64, '0');
  return { keyId, name: null, scope: 'account', isTest: false, createdAt: AT.toISOString(), ...facts };
}

const letterOf = (customerId: string, { keyId }: NewKey) => keyIssued(customerId, keyId, 'customer', AT);
const store = (customerId: string, key: NewKey, replaced?: StoredKey) =>
  putApiKey(deps.table, customerId, key, letterOf(customerId, key), replaced);
const storeOnly = (customerId: string, key: NewKey, seen: Parameters<typeof putOnlyKey>[4]) =>
  putOnlyKey(deps.table, customerId, key, letterOf(customerId, key), seen);
const revoke = (customerId: string, key: StoredKey) =>
  revokeApiKey(deps.table, customerId, key, AT.toISOString(), { notice: null, mayBeLast: false });

/** A customer with one `account` key, from the sign-up, and one key for fixes. */
async function customerWithBoth() {
  const { head, keyId } = await customerWith(deps, 5);
  const { customerId } = head;
  const forFixes = newKey({ scope: 'fixes' });
  await store(customerId, forFixes);
  const account: StoredKey = { keyId, scope: 'account' };
  return { customerId, account, forFixes };
}

const counts = async (customerId: string) => {
  const { activeKeys, accountKeys } = await headOf(deps, customerId);
  return [activeKeys, accountKeys];
};
const activeIds = async (customerId: string) =>
  (await listActiveKeys(deps.table, customerId)).map(({ keyId }) => keyId).sort();

describe('a stored key', () => {
  it('a key of a test customer says so, and the key of another customer does not', async () => {
    const { head } = await customerWith(deps, 5);
    const [ofTest, first, other] = [newKey({ isTest: true }), newKey({ isTest: true }), newKey()];
    await store(head.customerId, ofTest);
    await store(head.customerId, other);
    await writeTogether(deps.table, [putFirstKey(head.customerId, first)]);
    const listed = await listApiKeys(deps.table, head.customerId);
    const found = (id: string) => listed.find(({ keyId }) => keyId === id)?.isTest;
    expect([ofTest, first, other].map(({ keyId }) => found(keyId))).toEqual([true, true, false]);
  });

  it('a key of an earlier release may do everything, and is no key of a test customer', async () => {
    const customerId = 'a'.repeat(32);
    const key = { ...keys.apiKey(customerId, 'old'), created_at: AT.toISOString() };
    await writeTogether(deps.table, [put(key)]);
    const unset = { name: null, lastUsedOn: null, revokedAt: null };
    expect(await listApiKeys(deps.table, customerId)).toEqual([
      { keyId: 'old', createdAt: AT.toISOString(), scope: 'account', isTest: false, ...unset },
    ]);
  });

  it('a key keeps the day of its last use, and everything else as it was', async () => {
    const customerId = 'b'.repeat(32);
    const key = newKey({ name: 'CI', scope: 'fixes' });
    await writeTogether(deps.table, [putFirstKey(customerId, key)]);
    await writeTogether(deps.table, [noteKeyUse(customerId, key.keyId, '2026-01-03')]);
    expect(await listApiKeys(deps.table, customerId)).toEqual([
      { ...key, lastUsedOn: '2026-01-03', revokedAt: null },
    ]);
  });

  it('only active keys are listed as such and counted, those of each scope by themselves', async () => {
    const { customerId, account, forFixes } = await customerWithBoth();
    const revoked = [newKey(), newKey({ scope: 'fixes' })];
    for (const key of revoked) {
      await store(customerId, key);
      expect(await revoke(customerId, key)).toEqual({ kind: 'revoked' });
    }
    expect(await activeIds(customerId)).toEqual([account.keyId, forFixes.keyId].sort());
    const listed = await listApiKeys(deps.table, customerId);
    expect(listed).toHaveLength(4);
    expect(countsOf(listed)).toEqual({ activeKeys: 2, accountKeys: 1 });
    expect(await counts(customerId)).toEqual([2, 1]);
  });
});

describe('a key that replaces another one', () => {
  it.each<[KeyScope, KeyScope, string, number]>([
    ['fixes', 'fixes', 'stored', 1],
    ['fixes', 'account', 'stored', 2],
    ['account', 'account', 'stored', 1],
    ['account', 'fixes', 'last_key', 1],
  ])(
    'replacing a key with scope %s by one with scope %s: %s, and the account keys are then %s',
    async (before, after, kind, accountKeys) => {
      const { customerId, account, forFixes } = await customerWithBoth();
      const [replaced, stays] = before === 'account' ? [account, forFixes] : [forFixes, account];
      const key = newKey({ scope: after });
      expect(await store(customerId, key, replaced)).toEqual({ kind });
      expect(await counts(customerId)).toEqual([2, accountKeys]);
      const left = kind === 'stored' ? key : replaced;
      expect(await activeIds(customerId)).toEqual([left.keyId, stays.keyId].sort());
    },
  );

  it('one of two account keys is replaced by a key for fixes', async () => {
    const { customerId, account } = await customerWithBoth();
    await store(customerId, newKey());
    expect(await counts(customerId)).toEqual([3, 2]);
    expect(await store(customerId, newKey({ scope: 'fixes' }), account)).toEqual({ kind: 'stored' });
    expect(await counts(customerId)).toEqual([3, 1]);
  });

  it('a key that was revoked meanwhile is not replaced: no key is stored, and no letter is written', async () => {
    const { customerId, account, forFixes } = await customerWithBoth();
    await revoke(customerId, forFixes);
    const letters = await noticeContentsOf(deps, customerId);
    expect(await store(customerId, newKey(), forFixes)).toEqual({ kind: 'not_active' });
    expect(await activeIds(customerId)).toEqual([account.keyId]);
    expect(await counts(customerId)).toEqual([1, 1]);
    expect(await noticeContentsOf(deps, customerId)).toEqual(letters);
  });
});

describe('a key that ends all others', () => {
  it('a closed account and a customer who was removed get no key that ends all others', async () => {
    const { customerId, account, forFixes } = await customerWithBoth();
    const seen = { others: [account, forFixes], counted: 2 };
    await markClosed(deps, customerId);
    expect(await storeOnly(customerId, newKey(), seen)).toEqual({ kind: 'closed' });
    expect(await activeIds(customerId)).toEqual([account.keyId, forFixes.keyId].sort());
    await writeTogether(deps.table, [remove(keys.head(customerId))]);
    expect(await storeOnly(customerId, newKey(), seen)).toEqual({ kind: 'closed' });
  });

  it('a list with a key that ended while another one was issued is stale, although the count is the same', async () => {
    const { customerId, account, forFixes } = await customerWithBoth();
    const seen = { others: [account, forFixes], counted: 2 };
    const late = newKey({ scope: 'fixes' });
    await store(customerId, late, forFixes);
    expect(await storeOnly(customerId, newKey(), seen)).toEqual({ kind: 'stale' });
    expect(await activeIds(customerId)).toEqual([account.keyId, late.keyId].sort());
  });

  it('the key that ends all others is the only one that is counted', async () => {
    const { customerId, account, forFixes } = await customerWithBoth();
    const key = newKey();
    const seen = { others: [account, forFixes], counted: 2 };
    expect(await storeOnly(customerId, key, seen)).toEqual({ kind: 'stored' });
    expect(await activeIds(customerId)).toEqual([key.keyId]);
    expect(await counts(customerId)).toEqual([1, 1]);
  });
});

describe('a key that is revoked', () => {
  it('a key for fixes is revoked with its letter while one account key is left, and that one stays', async () => {
    const { customerId, account, forFixes } = await customerWithBoth();
    const facts = { keyId: forFixes.keyId, scope: forFixes.scope, by: 'customer' } as const;
    const notice = keyRevoked(customerId, facts, AT);
    const how = { notice, mayBeLast: false };
    const revoked = await revokeApiKey(deps.table, customerId, forFixes, AT.toISOString(), how);
    expect(revoked).toEqual({ kind: 'revoked' });
    expect(await noticeContentsOf(deps, customerId, 'key_revoked')).toEqual([notice.content]);
    expect(await counts(customerId)).toEqual([1, 1]);
    expect(await revoke(customerId, account)).toEqual({ kind: 'last_key' });
  });
});
