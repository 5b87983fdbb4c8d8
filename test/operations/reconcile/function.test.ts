import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { handler } from '../../../functions/reconcile.ts';
import { readRun } from '../../../lib/operations/reconcile/stored-run.ts';
import { keys } from '../../../lib/store/keys.ts';
import { serveMoney } from '../../support/http-money.ts';
import { customerWithCard, type Money } from '../../support/money.ts';
import { tamper } from '../../support/reconciliation.ts';

let money: Money;
let stop: () => Promise<void>;
let customerId: string;

beforeAll(async () => {
  ({ money, stop } = await serveMoney());
  ({ customerId } = await customerWithCard(money, 3));
  await money.deliver();
});
afterAll(() => stop());

/** The event that EventBridge sends. */
const SCHEDULED = {
  version: '0',
  id: '53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa',
  'detail-type': 'Scheduled Event',
  source: 'aws.events',
  account: '123456789012',
  time: '2026-11-24T03:15:00Z',
  region: 'us-east-1',
  resources: ['arn:aws:events:us-east-1:123456789012:rule/reconcile'],
  detail: {},
};

async function invoked(event: unknown) {
  const lines: string[] = [];
  const spies = (['log', 'info', 'warn', 'error', 'debug'] as const).map((method) =>
    vi
      .spyOn(console, method)
      .mockImplementation((...args: unknown[]) => void lines.push(args.map(String).join(' '))),
  );
  try {
    const answer = await handler(event);
    if ('ok' in answer) throw new Error(answer.problem.detail);
    return { answer, log: lines.join('\n') };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

/** The values of a metric, in order. */
const counted = (log: string, metric: string): number[] =>
  [...log.matchAll(new RegExp(`"${metric}":\\s*(\\d+)`, 'g'))].map(([, count]) => Number(count));

describe('the function', () => {
  it("the function names the schedule's run by its day, finds it done the next time, and counts it once", async () => {
    const first = await invoked(SCHEDULED);
    const today = new Date().toISOString().slice(0, 10);
    expect(first.answer).toMatchObject({ run: today, done: true, report: { drift: { count: 0 } } });
    expect(counted(first.log, 'Drift')).toEqual([0]);
    expect(counted(first.log, 'MissedEvent')).toEqual([0]);
    expect(counted(first.log, 'ReconcileCompleted')).toEqual([1]);

    const second = await invoked(SCHEDULED);
    expect(second.answer).toEqual(first.answer);
    expect(counted(second.log, 'ReconcileCompleted')).toEqual([]);
    expect(second.log).toContain('was_finished');
  });

  it('the function counts drift, and logs a line for each finding, with ids and no personal data', async () => {
    await tamper({ table: money.deps.table }, keys.head(customerId), 'balance', 77);
    const { answer, log } = await invoked({ run: 'with-drift' });
    await tamper({ table: money.deps.table }, keys.head(customerId), 'balance', 3);
    expect(answer).toMatchObject({ run: 'with-drift', done: true, report: { drift: { count: 1 } } });
    expect(counted(log, 'Drift')).toEqual([1]);
    expect(log).toContain(customerId);
    expect(log).toContain('the balance is 77, the entries add up to 3');
    expect(log).not.toMatch(/@|sk_test_|rsolv_/);
  });

  it('the function returns its progress when its time is up, and continues at the next call', async () => {
    // The 30 lists of events alone take a second and a half, at 20 calls a second.
    const { answer, log } = await invoked({ run: 'bit-by-bit', budget_seconds: 1 });
    expect(answer).toMatchObject({ run: 'bit-by-bit', done: false, report: { finishedAt: null } });
    expect(counted(log, 'ReconcileCompleted')).toEqual([]);
    expect((await readRun(money.deps.table, 'bit-by-bit'))?.run.report).toEqual(answer.report);
    expect((await invoked({ run: 'bit-by-bit' })).answer.done).toBe(true);
  });

  it('the function returns an outage of Stripe to an operator, and throws it on the schedule', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {});
    await money.control('faults', { path: '/v1/events', kind: 'drop_before', times: 99 });
    expect(await handler({ run: 'away' })).toEqual({
      ok: false,
      problem: { code: 'payments_unavailable', detail: expect.stringContaining('Stripe did not respond') },
    });
    vi.setSystemTime(Date.now() + 24 * 60 * 60 * 1000);
    await expect(handler(SCHEDULED)).rejects.toMatchObject({ code: 'payments_unavailable' });
    vi.useRealTimers();
    await money.control('faults/clear');
    expect((await invoked({ run: 'away' })).answer.done).toBe(true);
  });

  it.each([
    [{}],
    [null],
    [{ run: '' }],
    [{ run: 'a/b' }],
    [{ run: 'x'.repeat(65) }],
    [{ run: 'r', force: true }],
    [{ run: 'r', budget_seconds: 781 }],
    [{ run: 'r', up_to_now: 'yes' }],
    [{ run: 7 }],
    [{ source: 'aws.s3', 'detail-type': 'Scheduled Event' }],
  ])('the function rejects %j and says what it accepts', async (event) => {
    await expect(invoked(event)).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('{ "run": "<name>" }'),
    });
  });
});
