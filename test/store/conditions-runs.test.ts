import { beforeAll, describe, expect, it } from 'vitest';
import { newReport } from '../../lib/domain/reconciliation.ts';
import { type ReconcileRun, readRun, saveRun } from '../../lib/operations/reconcile/stored-run.ts';
import type { Table } from '../../lib/store/table.ts';
import { openTestTable } from '../support/table.ts';

let table: Table;
beforeAll(async () => {
  table = await openTestTable();
});

const runNamed = (name: string, day = 0): ReconcileRun => ({
  report: newReport(name, '2026-01-02T03:04:05.678Z'),
  position: {
    events: { day, after: null, announced: [] },
    segments: [{ after: null, isDone: false }],
    postponed: [],
    large: [],
    payments: { after: null, isDone: false },
    movements: { after: null, isDone: false },
    invoices: { after: null, isDone: false },
  },
});

describe('a reconciliation', () => {
  it('RUN_UNMOVED: a run does not overwrite what another invocation wrote, and is not started twice', async () => {
    const ours = { run: runNamed('r1'), version: 0, holder: 'ours' };
    const theirs = { run: runNamed('r1', 7), version: 0, holder: 'theirs' };
    expect(await saveRun(table, ours)).toEqual({ kind: 'saved' });
    expect(await saveRun(table, theirs)).toEqual({ kind: 'taken', by: { ...ours, version: 1 } });

    expect(await saveRun(table, { ...theirs, version: 1 })).toEqual({ kind: 'saved' });
    expect((await saveRun(table, { ...ours, version: 1 })).kind).toBe('taken');
    expect(await readRun(table, 'r1')).toEqual({ ...theirs, version: 2 });
  });

  it('a run that is saved again after a lost response is saved', async () => {
    const first = { run: runNamed('r2'), version: 0, holder: 'ours' };
    expect(await saveRun(table, first)).toEqual({ kind: 'saved' });
    expect(await saveRun(table, first)).toEqual({ kind: 'saved' });
    expect((await readRun(table, 'r2'))?.version).toBe(1);
  });
});
