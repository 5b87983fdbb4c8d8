import { beforeAll, describe, expect, it } from 'vitest';
import { fixAttemptId, laterAttemptId } from '../../../lib/domain/fix-attempt.ts';
import {
  attemptKeys,
  newestAttempt,
  recordFixAttempt,
} from '../../../lib/operations/fixes/record-fix-attempt.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import { readTogether } from '../../../lib/store/table.ts';
import { middlewareOf } from '../../support/documents.ts';
import { customerWith, newFix, range } from '../../support/fixtures.ts';
import { countingCalls, openTestTable, testDeps } from '../../support/table.ts';

/* Concurrent recordings of one pull request, and what a recording asks of the table. */

const OURS = 1_001;
const OTHERS = 2_002;

let deps: PaymentDeps;
beforeAll(async () => {
  deps = testDeps(await openTestTable());
});

async function customer() {
  const { customerId } = (await customerWith(deps, 5)).head;
  const readFor = (repositoryId: number | null) =>
    readTogether(deps.table, attemptKeys(customerId, newFix(1), repositoryId));
  const record = (repositoryId: number | null, read?: Awaited<ReturnType<typeof readFor>>) =>
    recordFixAttempt(deps, customerId, newFix(1), repositoryId, read);
  return { customerId, readFor, record };
}

describe('concurrent recordings of a new pull request', () => {
  it('concurrent recordings for several repositories of one name make one attempt for each repository', async () => {
    const { record } = await customer();
    const numbers = range(1, 4);
    const found = await Promise.all([...numbers, ...numbers].map((number) => record(number)));
    expect(found.map(({ fix }) => fix.repositoryId)).toEqual([...numbers, ...numbers]);
    expect(new Set(found.map(({ fix }) => fix.id)).size).toBe(4);
    expect(found.filter(({ created }) => created)).toHaveLength(4);
  });

  /** Records while, before each of the first `times` writes, yet another repository takes over the names. */
  async function recordOvertaken(times: number) {
    const { customerId, record } = await customer();
    await record(OTHERS);
    let overtaken = 0;
    let isOvertaking = false;
    middlewareOf(deps.table).add(
      (next, { commandName }) =>
        async (args) => {
          if (commandName === 'TransactWriteItemsCommand' && overtaken < times && !isOvertaking) {
            isOvertaking = true;
            overtaken += 1;
            await record(OTHERS + overtaken);
            isOvertaking = false;
          }
          return next(args);
        },
      { step: 'initialize', priority: 'high', name: 'overtake' },
    );
    const outcome = await record(OURS)
      .catch((error: unknown) => error)
      .finally(() => middlewareOf(deps.table).remove('overtake'));
    const [own] = await readTogether(deps.table, attemptKeys(customerId, newFix(1), OURS).slice(1));
    return { outcome, overtaken, isRecorded: own !== undefined };
  }

  it('a recording that others overtake is tried six times in all, and can be sent again', async () => {
    expect(await recordOvertaken(5)).toMatchObject({
      outcome: { created: true, fix: { repositoryId: OURS } },
      isRecorded: true,
    });
    expect(await recordOvertaken(99)).toMatchObject({
      outcome: { code: 'ledger_busy' },
      overtaken: 6,
      isRecorded: false,
    });
  });
});

describe('what a recording asks of the table', () => {
  it.each([null, OURS])(
    'a recording that loses its race is answered from the refusal, without another read (repository %s)',
    async (repositoryId) => {
      const { readFor, record } = await customer();
      const before = await readFor(repositoryId);
      const { fix } = await record(OURS);
      const { result, calls } = await countingCalls(deps.table, () => record(repositoryId, before));
      expect(result).toMatchObject({ created: false, fix: { id: fix.id, repositoryId: OURS } });
      expect(calls).toEqual(['TransactWriteItems']);
    },
  );

  it('an attempt takes its repository in one write, without being read again', async () => {
    const { readFor, record } = await customer();
    await record(null);
    const read = await readFor(OURS);
    const { result, calls } = await countingCalls(deps.table, () => record(OURS, read));
    expect(result).toMatchObject({ created: false, fix: { repositoryId: OURS } });
    expect(calls).toEqual(['TransactWriteItems']);
  });

  it.each([null, OURS, OTHERS])('finding an attempt takes one read (repository %s)', async (repositoryId) => {
    const { record } = await customer();
    await record(OURS);
    if (repositoryId === OTHERS) await record(OTHERS);
    const { result, calls } = await countingCalls(deps.table, () => record(repositoryId));
    expect(result).toMatchObject({ created: false, fix: { repositoryId: repositoryId ?? OURS } });
    expect(calls).toHaveLength(1);
  });

  it('without a repository, one item is read for a pull request, and with one also the attempt of that repository', () => {
    const named = newFix(1);
    const ids = (repositoryId: number | null) =>
      attemptKeys('c1', named, repositoryId).map(({ sk }) => sk.split('#').at(-1));
    expect(ids(null)).toEqual([fixAttemptId(named)]);
    expect(ids(OURS)).toEqual([fixAttemptId(named), laterAttemptId(named, OURS)]);
  });

  it('an attempt whose newer attempt is missing is its own newest attempt', async () => {
    const { customerId, record } = await customer();
    const { fix } = await record(OURS);
    const torn = { ...fix, newestId: 'f'.repeat(32) };
    expect(await newestAttempt(deps, customerId, torn)).toEqual(torn);
  });
});
