import { beforeAll, describe, expect, it } from 'vitest';
import { RECORDINGS } from '../../lib/domain/fix-attempt.ts';
import { decodeFix, type Namesake, putNewFix, takeRepository } from '../../lib/store/fix-attempts.ts';
import { keys } from '../../lib/store/keys.ts';
import { readTogether, type Table, writeTogether } from '../../lib/store/table.ts';
import { put } from '../../lib/store/write.ts';
import { newFix } from '../support/fixtures.ts';
import { openTestTable } from '../support/table.ts';

let table: Table;
beforeAll(async () => {
  table = await openTestTable();
});

const fixNamed = (id: string, prNumber = 1) => ({
  ...newFix(prNumber),
  id,
  createdAt: '2026-11-24T10:00:00.000Z',
});

async function stored(customerId: string, id: string) {
  const [item] = await readTogether(table, [keys.fix(customerId, id)]);
  return item === undefined ? null : decodeFix(item);
}

describe('a recorded fix', () => {
  it('REPOSITORY_IS_UNKNOWN: a fix keeps its first repository id, and a missing fix gets none', async () => {
    await putNewFix(table, 'c1', fixNamed('f1'));
    expect(await takeRepository(table, 'c1', 'f1', 1)).toEqual({ kind: 'written' });
    expect(await takeRepository(table, 'c1', 'f1', 2)).toMatchObject({ kind: 'refused' });
    expect(await stored('c1', 'f1')).toMatchObject({ repositoryId: 1 });
    expect((await takeRepository(table, 'c1', 'absent', 1)).kind).toBe('refused');
    expect(await stored('c1', 'absent')).toBeNull();
  });

  it('NEWEST_UNMOVED: of two writers that read the same newest attempt, one reads again', async () => {
    await putNewFix(table, 'c2', fixNamed('first'), { repositoryId: 1 });
    const namesake: Namesake = { id: 'first', repositoryId: 1, newestId: null };
    const second = { repositoryId: 2, namesake };
    expect(await putNewFix(table, 'c2', fixNamed('second'), second)).toEqual({ kind: 'recorded' });
    const third = { repositoryId: 3, namesake };
    expect(await putNewFix(table, 'c2', fixNamed('third'), third)).toEqual({ kind: 'stale' });
    expect(await stored('c2', 'third')).toBeNull();
    const again = { repositoryId: 3, namesake: { ...namesake, newestId: 'second' } };
    expect(await putNewFix(table, 'c2', fixNamed('third'), again)).toEqual({ kind: 'recorded' });
    expect(await stored('c2', 'first')).toMatchObject({ newestId: 'third' });
  });

  it('RECORDINGS_HAVE_ROOM: a fix is not stored once the day is at the limit', async () => {
    const count = { ...keys.recorded('c3', '2026-11-24', 1), recorded: RECORDINGS.limit / 16 - 1 };
    await writeTogether(table, [put(count)]);
    expect(await putNewFix(table, 'c3', fixNamed('last'))).toEqual({ kind: 'recorded' });
    expect(await putNewFix(table, 'c3', fixNamed('one more', 17))).toEqual({ kind: 'limited' });
    expect(await stored('c3', 'one more')).toBeNull();
  });
});
