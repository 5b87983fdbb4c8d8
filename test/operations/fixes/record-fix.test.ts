import { beforeAll, describe, expect, it } from 'vitest';
import { fixAttemptId, laterAttemptId, RECORDINGS } from '../../../lib/domain/fix-attempt.ts';
import { billFixAttempt } from '../../../lib/operations/fixes/bill-fix-attempt.ts';
import { newestAttempt, recordFixAttempt } from '../../../lib/operations/fixes/record-fix-attempt.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import { listApiKeys, noteKeyUse } from '../../../lib/store/api-keys.ts';
import { encodeNewFix } from '../../../lib/store/fix-attempts.ts';
import { keys } from '../../../lib/store/keys.ts';
import { readTogether, writeTogether } from '../../../lib/store/table.ts';
import { put } from '../../../lib/store/write.ts';
import { withConflicts } from '../../support/conflicts.ts';
import { expectSoundLedger } from '../../support/customers.ts';
import { customerWith, newFix, range } from '../../support/fixtures.ts';
import { openTestTable, testDeps } from '../../support/table.ts';

const OLD = 1_001;
const NEW = 2_002;

let deps: PaymentDeps;
beforeAll(async () => {
  deps = testDeps(await openTestTable());
});

async function customer() {
  const { head } = await customerWith(deps, 5);
  const { customerId } = head;
  const record = (repositoryId: number | null, more: object = {}) =>
    recordFixAttempt(deps, customerId, { ...newFix(1), ...more }, repositoryId);
  return { customerId, record };
}

describe('a pull request of a repository that has a number', () => {
  it('a pull request of a repository that was created again under an old name is a new attempt, and is billed again', async () => {
    const { customerId, record } = await customer();
    const { fix: old } = await record(OLD);
    await billFixAttempt(deps, customerId, old.id);
    const { created, fix } = await record(NEW, { repoName: 'WebShop' });
    expect(created).toBe(true);
    expect(fix).toMatchObject({ repositoryId: NEW, billed: null });
    expect(fix.id).not.toBe(old.id);
    expect(await billFixAttempt(deps, customerId, fix.id)).toMatchObject({ already: false, balance: 3 });
    expect(await billFixAttempt(deps, customerId, old.id)).toMatchObject({ already: true });
    await expectSoundLedger(deps, customerId);
  });

  it('the first repository of a name has the same id as an attempt without a number', async () => {
    const { record } = await customer();
    expect((await record(OLD)).fix.id).toBe(fixAttemptId(newFix(1)));
    expect((await record(NEW)).fix.id).toBe(laterAttemptId(newFix(1), NEW));
  });

  it('a fix attempt is found by its own repository number, whichever repository has the names now', async () => {
    const { record } = await customer();
    const { fix: old } = await record(OLD);
    const { fix: later } = await record(NEW);
    expect(await record(OLD)).toMatchObject({ created: false, fix: { id: old.id } });
    expect(await record(NEW)).toMatchObject({ created: false, fix: { id: later.id } });
  });

  it('a fix attempt is found by its names alone as the newest attempt', async () => {
    const { customerId, record } = await customer();
    const { fix: old } = await record(OLD);
    for (const repositoryId of [NEW, 3_003]) {
      const { fix } = await record(repositoryId);
      expect(await record(null)).toMatchObject({ created: false, fix: { id: fix.id, repositoryId } });
      const first = (await record(OLD)).fix;
      expect(first.id).toBe(old.id);
      expect((await newestAttempt(deps, customerId, first)).id).toBe(fix.id);
    }
  });
});

describe('an attempt that was recorded without a number', () => {
  it('an attempt without a number gets the first number it is recorded with, and another number makes a new attempt', async () => {
    const { customerId, record } = await customer();
    const { fix: old } = await record(null);
    await billFixAttempt(deps, customerId, old.id);
    const taken = await record(OLD);
    expect(taken).toMatchObject({ created: false, fix: { id: old.id, repositoryId: OLD } });
    expect(taken.fix.billed).not.toBeNull();
    expect(await record(NEW)).toMatchObject({ created: true, fix: { repositoryId: NEW, billed: null } });
    expect(await record(OLD)).toMatchObject({ created: false, fix: { id: old.id, repositoryId: OLD } });
  });

  it('an attempt of an earlier release is found, billed and given its number like any other', async () => {
    const { customerId, record } = await customer();
    const id = fixAttemptId(newFix(1));
    const stored = encodeNewFix(customerId, { ...newFix(1), id, createdAt: '2025-01-01T00:00:00.000Z' });
    expect(Object.keys(stored)).not.toContain('repository_id');
    await writeTogether(deps.table, [put(stored)]);
    expect(await record(null)).toMatchObject({
      created: false,
      fix: { id, repositoryId: null, newestId: null },
    });
    expect(await billFixAttempt(deps, customerId, id)).toMatchObject({ already: false });
    expect(await record(OLD)).toMatchObject({ created: false, fix: { id, repositoryId: OLD } });
  });

  it('concurrent recordings give an attempt one number, and each other number is one attempt', async () => {
    const { customerId, record } = await customer();
    await record(null);
    const numbers = range(1, 4);
    const found = await Promise.all([...numbers, ...numbers].map((number) => record(number)));
    const ids = new Map(found.map(({ fix }) => [fix.repositoryId, fix.id]));
    expect([...ids.keys()].sort()).toEqual(numbers);
    expect(new Set(ids.values()).size).toBe(4);
    for (const { fix } of found) expect(fix.id).toBe(ids.get(fix.repositoryId));
    expect(found.filter(({ created }) => created)).toHaveLength(3);
    const { fix: newest } = await record(null);
    expect([...ids.values()]).toContain(newest.id);
    expect(newest.id).not.toBe(fixAttemptId(newFix(1)));
    await expectSoundLedger(deps, customerId);
  });

  it('concurrent recordings of a pull request with and without a number make one attempt', async () => {
    const { record } = await customer();
    const found = await Promise.all([null, OLD, null, OLD, OLD].map((number) => record(number)));
    expect(new Set(found.map(({ fix }) => fix.id)).size).toBe(1);
    expect(found.filter(({ created }) => created)).toHaveLength(1);
    expect((await record(OLD)).fix.repositoryId).toBe(OLD);
  });
});

describe('an attempt that was not recorded', () => {
  it('an attempt that was not recorded, or only by another customer, cannot be billed', async () => {
    const [{ customerId }, other] = [await customer(), await customer()];
    const { fix } = await other.record(OLD);
    for (const id of ['f'.repeat(32), fix.id]) {
      await expect(billFixAttempt(deps, customerId, id)).rejects.toMatchObject({
        code: 'fix_attempt_not_found',
      });
    }
    expect((await expectSoundLedger(deps, customerId)).head.balance).toBe(5);
  });
});

describe('the use of an API key', () => {
  it.each([
    [0, '2026-11-24'],
    [1, null],
  ])(
    'after %i conflicts, the use that is stored beside a recorded attempt is of %s',
    async (conflicts, usedOn) => {
      const { head } = await customerWith(deps, 5);
      const { customerId } = head;
      const keyIds = async () => (await listApiKeys(deps.table, customerId)).map(({ keyId }) => keyId);
      const keyUse = (await keyIds()).map((keyId) => noteKeyUse(customerId, keyId, '2026-11-24'));
      // Concurrent first calls of a day all store the use of one key, so only a first try stores it.
      const recorded = await withConflicts(deps.table, conflicts, () =>
        recordFixAttempt(deps, customerId, newFix(1), null, undefined, keyUse),
      );
      expect(recorded.created).toBe(true);
      expect(await listApiKeys(deps.table, customerId)).toMatchObject([{ lastUsedOn: usedOn }]);
    },
  );
});

describe('the limit of recordings', () => {
  const at = new Date('2026-11-24T22:00:00.000Z');
  const PARTS = 16;

  /** A customer with as many recorded fixes as the limit allows. */
  async function customerAtLimit() {
    const { head } = await customerWith(deps, 5);
    const { customerId } = head;
    const recorded = RECORDINGS.limit / PARTS;
    const day = '2026-11-24';
    await writeTogether(
      deps.table,
      range(0, PARTS - 1).map((part) => put({ ...keys.recorded(customerId, day, part), recorded })),
    );
    return customerId;
  }
  const on = (now: Date) => ({ ...deps, now: () => now });

  it('the recording limit refuses the new attempt after 3,200 of a day, and says when the next is accepted', async () => {
    const customerId = await customerAtLimit();
    for (const pr of range(1, PARTS)) {
      await expect(recordFixAttempt(on(at), customerId, newFix(pr))).rejects.toMatchObject({
        code: 'rate_limited',
        message: expect.stringContaining('At most 3,200 new fix attempts can be recorded per day.'),
        facts: { retryAfterSeconds: 7_200 },
      });
    }
    const midnight = new Date('2026-11-25T00:00:00.000Z');
    expect(await recordFixAttempt(on(midnight), customerId, newFix(1))).toMatchObject({ created: true });
  });

  it('the recording limit does not affect finding, numbering and billing a recorded attempt', async () => {
    const { head } = await customerWith(deps, 5);
    const { customerId } = head;
    const { fix } = await recordFixAttempt(on(at), customerId, newFix(1));
    await writeTogether(deps.table, [
      put({ ...keys.recorded(customerId, '2026-11-24', 1), recorded: RECORDINGS.limit / PARTS }),
    ]);
    const again = await recordFixAttempt(on(at), customerId, newFix(1), OLD);
    expect(again).toMatchObject({ created: false, fix: { id: fix.id, repositoryId: OLD } });
    expect(await billFixAttempt(deps, customerId, fix.id)).toMatchObject({ already: false });
    await expect(recordFixAttempt(on(at), customerId, newFix(1), NEW)).rejects.toMatchObject({
      code: 'rate_limited',
    });
  });

  it('the recording limit counts only new attempts, not repeats', async () => {
    const { head } = await customerWith(deps, 5);
    const { customerId } = head;
    for (const _ of range(1, 3)) await recordFixAttempt(on(at), customerId, newFix(1));
    await Promise.all(range(1, 5).map(() => recordFixAttempt(on(at), customerId, newFix(17))));
    await recordFixAttempt(on(at), customerId, newFix(33));
    const [count] = await readTogether(deps.table, [keys.recorded(customerId, '2026-11-24', 1)]);
    expect(count).toMatchObject({ recorded: 3, expires_at: expect.any(Number) });
  });

  it('an honest burst never reaches the recording limit: 48 concurrent pull requests', async () => {
    const { head } = await customerWith(deps, 5);
    const all = await Promise.all(
      range(1, 48).map((pr) => recordFixAttempt(on(at), head.customerId, newFix(pr))),
    );
    expect(all.every(({ created }) => created)).toBe(true);
  });
});
