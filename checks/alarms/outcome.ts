import { expect } from 'vitest';
import { type Change, changes, READINGS } from './evaluate.ts';
import type { TemplateAlarms } from './from-template.ts';
import type { MetricData } from './metrics.ts';

/* What people and CodeDeploy notice of a scenario. */

/** An alarm, and the minutes after the start of the scenario within which it sounds. */
type Within = Readonly<Record<string, number>>;

export interface Outcome {
  /** Also mailed. */
  readonly pages: Within;
  /** Mailed only. */
  readonly mails: Within;
  /** Alarms among them that undo a release. */
  readonly rollbacks: readonly string[];
  /** Alarms among them that stay until the end. */
  readonly stays: readonly string[];
}

/** A stretch of minutes, and the state of every alarm before it. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly start?: 'OK' | 'INSUFFICIENT_DATA';
}

/** The changes of state in each reading of the documentation. */
export const changesInEachReading = (
  alarms: TemplateAlarms,
  data: MetricData,
  stretch: Stretch,
): Change[][] => READINGS.map((reading) => changes(alarms, data, reading, { start: 'OK', ...stretch }));

/**
 * Expects exactly these alarms to sound, each within its minutes, whatever the documentation leaves open.
 */
export function expectOutcome(
  alarms: TemplateAlarms,
  data: MetricData,
  stretch: Stretch,
  { pages = {}, mails = {}, rollbacks = [], stays = [] }: Partial<Outcome>,
): void {
  const inEachReading = changesInEachReading(alarms, data, stretch);
  for (const [i, all] of inEachReading.entries()) {
    const first = new Map<string, number>();
    for (const { alarm, minute, state } of all)
      if (state === 'ALARM' && !first.has(alarm)) first.set(alarm, minute - stretch.from);
    const heard = { pages: new Map<string, number>(), mails: new Map<string, number>() };
    for (const [alarm, minute] of first)
      heard[alarms.actions.get(alarm)?.pages === true ? 'pages' : 'mails'].set(alarm, minute);
    const reading = JSON.stringify(READINGS[i]);
    expect({ reading, pages: named(heard.pages, pages), mails: named(heard.mails, mails) }).toEqual({
      reading,
      pages,
      mails,
    });
    const undone = [...first.keys()].filter((alarm) => alarms.actions.get(alarm)?.rollsBack === true);
    expect({ reading, rollbacks: undone.sort() }).toEqual({ reading, rollbacks: rollbacks.toSorted() });
    const ended = stays.filter((name) => all.some(({ alarm, state }) => alarm === name && state === 'OK'));
    expect({ reading, ended }).toEqual({ reading, ended: [] });
  }
}

/** The promised minutes of alarms that kept them, so that a difference shows the real minute. */
const named = (heard: ReadonlyMap<string, number>, promised: Within): Within =>
  Object.fromEntries(
    [...heard].map(([alarm, minute]) => {
      const within = promised[alarm];
      return [alarm, within !== undefined && minute <= within ? within : minute];
    }),
  );
