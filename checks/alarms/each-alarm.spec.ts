import { describe, expect, it } from 'vitest';
import { packagedStages } from '../template/stages.ts';
import { alarmsOfTemplate, type MetricAlarm } from './from-template.ts';
import { MetricData, MINUTE_MS } from './metrics.ts';
import { changesInEachReading } from './outcome.ts';

/*
 * Each alarm can sound: what its metrics have each minute, and within how many minutes it sounds. An alarm
 * without a row fails here. days.spec.ts shows that none of them sounds on a healthy day.
 */

interface Row {
  /** What each metric counts in a minute, by its id in the alarm. A metric that is not named has no data. */
  readonly counts: Readonly<Record<string, number>>;
  readonly within: number;
}

const HOUR = 60;
const silence = (within: number): Row => ({ counts: {}, within });
const once = (id: string): Row => ({ counts: { [id]: 1 }, within: 2 });
const open = (minutes: number): Row => ({ counts: { oldest: minutes * 60 + 1 }, within: 2 });

const ROWS: Readonly<Record<string, Row>> = {
  'api-faults': { counts: { requests: 10, faults: 1 }, within: 2 },
  'api-latency': { counts: { latency: 5_001 }, within: 16 },
  'billing-latency': { counts: { duration: 8_001 }, within: 16 },
  'table-throttled': { counts: { indexWrites: 1 }, within: 16 },
  'error-budget-fast': { counts: { requests: 10, faults: 1 }, within: 61 },
  'error-budget-slow': { counts: { requests: 25, faults: 1 }, within: 6 * HOUR + 1 },
  'mail-bounces': { counts: { rate: 0.041 }, within: 2 },
  'mail-complaints': { counts: { rate: 0.0009 }, within: 2 },
  'webhook-failures': { counts: { processed: 4, failed: 1 }, within: 2 },
  'signatures-refused': { counts: { refused: 1 }, within: 31 },
  'events-parked': { counts: { parked: 1 }, within: 2 },
  'webhook-endpoint': once('misconfigured'),
  'webhooks-missing': silence(6 * HOUR + 1),
  'payment-failures-warning': { counts: { charged: 8, declined: 1 }, within: 2 },
  'payment-failures-critical': { counts: { paid: 5, unpaid: 2 }, within: 2 },
  'unknown-price': once('unknown'),
  'fixes-unrecorded': once('unrecorded'),
  'paid-above-limit': once('paid'),
  'double-payment': once('returned'),
  'charges-stuck': open(30),
  'orders-stuck': open(30),
  'renewals-stuck': open(30),
  'refunds-stuck': open(60),
  'cards-stuck': open(60),
  'closings-stuck': open(6 * HOUR),
  'warnings-stuck': open(150),
  'notices-stuck': open(10),
  'work-unreadable': { counts: { unreadable: 1 }, within: 16 },
  'sweeper-silent': silence(16),
  'warnings-silent': silence(16),
  drift: once('drift'),
  // CloudWatch evaluates it once an hour.
  'reconcile-missing': silence(29 * HOUR),
  // The same.
  'copies-missing': silence(29 * HOUR),
  'large-grant': once('granted'),
  'notices-failing': once('failed'),
  'notices-late': { counts: { age: 600_001 }, within: 2 },
  'warnings-failing': { counts: { failed: 1 }, within: 2 * HOUR },
  'notice-dead-letters': once('letters'),
  'schedule-dead-letters': once('letters'),
  defects: once('defects'),
  'requests-refused': { counts: { accepted: 10, refused: 6 }, within: 3 },
  'requests-missing': silence(61),
  'keys-refused': { counts: { strangers: 10, accepted: 2 }, within: 16 },
  'probe-failed': once('failed'),
  'probe-silent': silence(21),
  'probe-customers-late': once('late'),
  'gateway-refusals': { counts: { throttled: 5 }, within: 16 },
  'parameters-stale': { counts: { stale: 1 }, within: 16 },
};
/** By the end of a name that begins with the function. */
const ROWS_OF_FUNCTIONS: Readonly<Record<string, Row>> = {
  errors: once('errors'),
  throttles: { counts: { throttles: 1 }, within: 16 },
  canary: { counts: { accepted: 2, refused: 2, allAccepted: 20, allRefused: 2 }, within: 4 },
};

const rowOf = (name: string): Row | undefined =>
  ROWS[name] ?? ROWS_OF_FUNCTIONS[/-(\w+)$/.exec(name)?.[1] ?? ''];

/** Later than any alarm looks back. */
const FROM = 100 * HOUR;

/** Data in which everything that is counted in silence was counted each minute before. */
function dataOf({ metrics }: MetricAlarm, { counts, within }: Row): MetricData {
  const data = new MetricData();
  const isSilence = Object.keys(counts).length === 0;
  for (const { id, metric } of metrics) {
    const count = isSilence ? 1 : counts[id];
    if (count === undefined) continue;
    const [first, last] = isSilence ? [0, FROM] : [FROM, FROM + within];
    for (let minute = first; minute < last; minute++) data.add(metric, minute * MINUTE_MS, count);
  }
  return data;
}

describe.each(packagedStages)('the alarms of $stage', ({ stage, template }) => {
  const alarms = alarmsOfTemplate(template, `rsolv-billing-${stage}-`);

  it.each(alarms.metricAlarms.map((alarm) => [alarm.name, alarm] as const))('%s can sound', (name, alarm) => {
    const row = rowOf(name);
    if (row === undefined) throw new Error(`${name} has no row here that makes it sound`);
    for (const id of Object.keys(row.counts)) expect(alarm.metrics.map((one) => one.id)).toContain(id);
    const data = dataOf(alarm, row);
    const only = { ...alarms, metricAlarms: [alarm], compositeAlarms: [] };
    const stretch = { from: FROM, to: FROM + row.within };
    for (const all of changesInEachReading(only, data, stretch))
      expect(all).toContainEqual(expect.objectContaining({ alarm: name, state: 'ALARM' }));
  });

  it('every composite alarm has a scenario', () => {
    const names = alarms.compositeAlarms.map(({ name }) => name);
    for (const name of names) expect(ROWS).toHaveProperty(name);
  });

  it('every alarm mails', () => {
    const quiet = [...alarms.actions].filter(([, { mails }]) => !mails).map(([name]) => name);
    expect(quiet).toEqual([]);
  });
});

it('every row belongs to an alarm', () => {
  const production = packagedStages.filter(({ stage }) => stage === 'production');
  const names = production.flatMap(({ stage, template }) =>
    alarmsOfTemplate(template, `rsolv-billing-${stage}-`).metricAlarms.map(({ name }) => name),
  );
  expect(Object.keys(ROWS).filter((name) => !names.includes(name))).toEqual([]);
});
