import { afterEach, describe, expect, it, vi } from 'vitest';
import { packagedStages } from '../template/stages.ts';
import { alarmsOfTemplate, type TemplateAlarms } from './from-template.ts';
import { Caller, healthyMinute } from './healthy.ts';
import { changesInEachReading, expectOutcome } from './outcome.ts';
import type { RunningStage } from './running-stage.ts';
import { startStage } from './start-stage.ts';

/* Whole days on which nothing is wrong, from the first deploy on. */

const HOUR = 60;
let stop = async () => {};
afterEach(() => stop());

async function start(stage: string, at: string): Promise<{ running: RunningStage; alarms: TemplateAlarms }> {
  const found = packagedStages.find((one) => one.stage === stage);
  if (found === undefined) throw new Error(`${stage} is not packaged`);
  vi.resetModules();
  const started = await startStage(found.template, stage, at);
  stop = started.stop;
  return { running: started.running, alarms: alarmsOfTemplate(found.template, `rsolv-billing-${stage}-`) };
}

/** The alarms that sound in any reading of the documentation. */
const soundIn = (all: ReturnType<typeof changesInEachReading>): string[] =>
  [...new Set(all.flat().flatMap(({ alarm, state }) => (state === 'ALARM' ? [alarm] : [])))].sort();

describe('a new stage without traffic', () => {
  it('only missing runs of the schedules sound, until each has run once; afterwards nothing sounds', async () => {
    const { running, alarms } = await start('dev', '2026-11-24T20:02:00Z');
    const from = running.minute;
    await running.run(13 * HOUR);
    const first = { from, to: from + 10 * HOUR, start: 'INSUFFICIENT_DATA' } as const;
    const all = changesInEachReading(alarms, running.data, first);
    expect(soundIn(all)).toEqual(['reconcile-missing', 'sweeper-silent', 'warnings-silent']);
    // The night's reconciliation ended before 4:00.
    expectOutcome(alarms, running.data, { from: from + 10 * HOUR, to: running.minute }, {});
  });
});

describe('a healthy day', () => {
  it('a busy day with a night of reconciliation sounds nothing on production', async () => {
    const { running, alarms } = await start('production', '2026-11-24T00:50:00Z');
    const caller = await Caller.signUp(running);
    const day = async (minute: number) => {
      if (minute % 5 === 0) await healthyMinute(running, caller, minute);
    };
    await running.run(4 * HOUR, day);
    const from = running.minute;
    await running.run(25 * HOUR, day);
    expectOutcome(alarms, running.data, { from, to: running.minute }, {});
  });
});
