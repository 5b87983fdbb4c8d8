import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { testCustomerEmail } from '../../../lib/domain/test-customer.ts';
import { issueKey, issueOnlyKey, revokeKey } from '../../../lib/operations/accounts/api-keys.ts';
import { onboardCustomer } from '../../../lib/operations/accounts/onboard-customer.ts';
import { listActiveKeys } from '../../../lib/store/api-keys.ts';
import { keys } from '../../../lib/store/keys.ts';
import { markClosed } from '../../support/customers.ts';
import { middlewareOf } from '../../support/documents.ts';
import { customerWith } from '../../support/fixtures.ts';
import { headOf } from '../../support/money.ts';
import { noticeContentsOf } from '../../support/notices.ts';
import { remove } from '../../support/reconciliation.ts';
import { countingCalls, openTestTable, testDeps } from '../../support/table.ts';

/* Keys that are replaced or revoked while another call changes them, and keys of test customers. */

let deps: ReturnType<typeof testDeps>;
beforeAll(async () => {
  deps = testDeps(await openTestTable());
});

const AT = new Date('2026-01-02T03:04:05.678Z');

async function customer() {
  const { head, keyId } = await customerWith(deps, 5);
  return { customerId: head.customerId, keyId };
}

/** Runs `work`, and lets `happen` between what it reads and its first write. */
async function interrupted<T>(happen: () => Promise<unknown>, work: () => Promise<T>): Promise<T> {
  let isFirst = true;
  middlewareOf(deps.table).add(
    (next, { commandName }) =>
      async (args) => {
        if (commandName !== 'TransactWriteItemsCommand' || !isFirst) return next(args);
        isFirst = false;
        await happen();
        return next(args);
      },
    { step: 'initialize', priority: 'high', name: 'interrupted' },
  );
  return work().finally(() => middlewareOf(deps.table).remove('interrupted'));
}

const activeIds = async (customerId: string) =>
  (await listActiveKeys(deps.table, customerId)).map(({ keyId }) => keyId);

describe('a key that another call ends first', () => {
  it('of two calls that replace one key, the second issues no key and says that the key is gone', async () => {
    const { customerId, keyId } = await customer();
    const replace = () => issueKey(deps, customerId, 'customer', { replaces: keyId });
    await expect(interrupted(replace, replace)).rejects.toMatchObject({ code: 'api_key_not_found' });
    expect(await activeIds(customerId)).toHaveLength(1);
    expect(await headOf(deps, customerId)).toMatchObject({ activeKeys: 1, accountKeys: 1 });
  });

  it('of two calls that revoke one key, both return the first revocation, and the customer gets one letter', async () => {
    const { customerId } = await customer();
    const { keyId } = await issueKey(deps, customerId);
    const first = { keyId, revokedAt: AT.toISOString() };
    const second = await interrupted(
      () => revokeKey({ ...deps, now: () => AT }, customerId, keyId),
      () => revokeKey(deps, customerId, keyId),
    );
    expect(second).toEqual(first);
    expect(await noticeContentsOf(deps, customerId, 'key_revoked')).toHaveLength(1);
    expect(await headOf(deps, customerId)).toMatchObject({ activeKeys: 1 });
  });

  it('a key whose customer is removed while it is revoked is not found', async () => {
    const { customerId } = await customer();
    const { keyId } = await issueKey(deps, customerId);
    const removal = async () => {
      await remove(deps, keys.apiKey(customerId, keyId));
      await remove(deps, keys.head(customerId));
    };
    const revoking = interrupted(removal, () => revokeKey(deps, customerId, keyId));
    await expect(revoking).rejects.toMatchObject({ code: 'api_key_not_found' });
  });

  it('revoking or replacing a key that is revoked already costs one read and no write', async () => {
    const { customerId } = await customer();
    const { keyId } = await issueKey(deps, customerId);
    const first = await revokeKey(deps, customerId, keyId);
    const again = await countingCalls(deps.table, () => revokeKey(deps, customerId, keyId));
    expect(again).toEqual({ result: first, calls: ['Query'] });
    const replace = () => issueKey(deps, customerId, 'customer', { replaces: keyId });
    const refused = await countingCalls(deps.table, () => replace().catch((error: unknown) => error));
    expect(refused).toMatchObject({ result: { code: 'api_key_not_found' }, calls: ['Query'] });
  });
});

describe('the name of a key', () => {
  it.each([
    ['is too long for the table', 'f'.repeat(1_100)],
    ['is longer than an id', 'f'.repeat(65)],
    ['begins with another character', `x${'f'.repeat(63)}`],
    ['ends with another character', `${'f'.repeat(63)}x`],
  ])('a name that %s is not found, without a read of the table', async (_, named) => {
    const { customerId } = await customer();
    const revoke = () => revokeKey(deps, customerId, named).catch((error: unknown) => error);
    expect(await countingCalls(deps.table, revoke)).toMatchObject({
      result: { code: 'api_key_not_found' },
      calls: [],
    });
  });
});

describe('the last account key', () => {
  it.each([
    ['customer', 'POST /api/v1/api-keys with `replaces`'],
    ['operator', 'keys issue --end-others'],
  ] as const)(
    'the last account key is not revoked, and the answer says what the %s can do instead',
    async (by, instead) => {
      const { customerId, keyId } = await customer();
      const refused: unknown = await revokeKey(deps, customerId, keyId, by).catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: 'last_key', message: expect.stringContaining(instead) });
      expect(await activeIds(customerId)).toEqual([keyId]);
    },
  );
});

describe('a key that replaces all others', () => {
  it('the key that replaces all others has the name asked for and every right, and the answer names the ended keys', async () => {
    const { customerId, keyId } = await customer();
    const other = await issueKey(deps, customerId, 'customer', { scope: 'fixes' });
    const wish = { name: 'after the leak', scope: 'fixes' } as const;
    const only = await issueOnlyKey(deps, customerId, 'operator', wish);
    expect(only).toMatchObject({ name: 'after the leak', scope: 'account', isTest: false });
    expect(only.ended.toSorted()).toEqual([keyId, other.keyId].toSorted());
    expect(await listActiveKeys(deps.table, customerId)).toMatchObject([
      { keyId: only.keyId, name: 'after the leak', scope: 'account' },
    ]);
    expect(await headOf(deps, customerId)).toMatchObject({ activeKeys: 1, accountKeys: 1 });
  });

  it('a key that is issued while all keys are replaced is ended too', async () => {
    const { customerId, keyId } = await customer();
    const late: string[] = [];
    const only = await interrupted(
      async () => late.push((await issueKey(deps, customerId)).keyId),
      () => issueOnlyKey(deps, customerId, 'operator'),
    );
    expect(only.ended.toSorted()).toEqual([keyId, ...late].toSorted());
    expect(await activeIds(customerId)).toEqual([only.keyId]);
  });

  it('replacing all keys again with the same random key ends no key', async () => {
    const { customerId, keyId } = await customer();
    const drawn = randomBytes(32);
    const repeated = { ...deps, now: () => AT, randomBytes: (size: number) => drawn.subarray(0, size) };
    const first = await issueOnlyKey(repeated, customerId, 'operator');
    expect(first.ended).toEqual([keyId]);
    expect(await issueOnlyKey(repeated, customerId, 'operator')).toEqual({ ...first, ended: [] });
    expect(await activeIds(customerId)).toEqual([first.keyId]);
  });

  it('replacing all keys gives up after five listings that other calls have outdated', async () => {
    const { customerId, keyId } = await customer();
    let listings = 0;
    middlewareOf(deps.table).add(
      (next, { commandName }) =>
        async (args) => {
          const answer = await next(args);
          if (commandName !== 'QueryCommand') return answer;
          listings += 1;
          if (listings > 20) throw new Error('the keys are listed without end');
          return { ...answer, output: { ...answer.output, Items: [] } };
        },
      { step: 'initialize', priority: 'high', name: 'outdated' },
    );
    const replacing = issueOnlyKey(deps, customerId, 'operator').finally(() =>
      middlewareOf(deps.table).remove('outdated'),
    );
    await expect(replacing).rejects.toMatchObject({ code: 'ledger_busy' });
    expect(listings).toBe(5);
    expect(await activeIds(customerId)).toEqual([keyId]);
  });

  it('the keys of a closed account are not replaced, nor those of a missing customer', async () => {
    const { customerId, keyId } = await customer();
    await markClosed(deps, customerId);
    await expect(issueOnlyKey(deps, customerId, 'operator')).rejects.toMatchObject({
      code: 'account_closed',
    });
    expect(await activeIds(customerId)).toEqual([keyId]);
    const missing = 'f'.repeat(32);
    await expect(issueOnlyKey(deps, missing, 'operator')).rejects.toMatchObject({
      code: 'customer_not_found',
    });
    await expect(issueKey(deps, missing)).rejects.toMatchObject({ code: 'account_closed' });
    expect(await activeIds(missing)).toEqual([]);
  });
});

describe('keys of a test customer', () => {
  it('every key of a test customer is marked as a test key, whichever call issues it', async () => {
    const email = testCustomerEmail(deps.randomBytes(8));
    const { head } = await onboardCustomer(deps, { name: 'Smoke test', email, source: 'smoke' });
    const { customerId } = head;
    expect(await issueKey(deps, customerId)).toMatchObject({ isTest: true });
    expect((await listActiveKeys(deps.table, customerId)).map(({ isTest }) => isTest)).toEqual([true, true]);
    expect(await issueOnlyKey(deps, customerId, 'operator')).toMatchObject({ isTest: true });
    expect((await listActiveKeys(deps.table, customerId)).map(({ isTest }) => isTest)).toEqual([true]);
  });
});
