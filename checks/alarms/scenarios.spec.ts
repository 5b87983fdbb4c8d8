import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { keys } from '../../lib/store/keys.ts';
import { remove, tamper } from '../../test/support/reconciliation.ts';
import { packagedStages } from '../template/stages.ts';
import { alarmsOfTemplate } from './from-template.ts';
import { afterHealthyHours, Caller, deliver, healthyHour, healthyMinute } from './healthy.ts';
import { expectOutcome, type Outcome } from './outcome.ts';
import type { RunningStage, Version } from './running-stage.ts';
import { startStage } from './start-stage.ts';

/* What sounds when something is wrong on production, from the metrics of the running functions. */

const found = packagedStages.find(({ stage }) => stage === 'production');
if (found === undefined) throw new Error('production is not packaged');
const { template } = found;
const alarms = alarmsOfTemplate(template, 'rsolv-billing-production-');
/** The time that production gives a canary. */
const CANARY_MINUTES = 10;

let running: RunningStage;
let stop: () => Promise<void>;
let caller: Caller;
let recorded = 0;
beforeAll(async () => {
  ({ running, stop } = await startStage(template, 'production', '2026-11-24T08:00:00Z'));
  caller = await Caller.signUp(running);
  await running.run(5);
  recorded = running.minute;
  await healthyHour(running, healthy);
});
afterAll(() => stop());
beforeEach(() => afterHealthyHours(running, recorded));
afterEach(async () => {
  running.unscheduled.clear();
  running.stopped.clear();
  running.isStreamRead = true;
  running.aws.parameters = 'none';
  running.throttleTable(false);
  // Ends what a scenario left behind. A sign-up of the probe can wait for 10 minutes, and the warnings for 10
  // more.
  await running.run(25);
});

const healthy = (minute: number) => healthyMinute(running, caller, minute);

/** Runs the scenario from now on, and expects this of the whole time. */
async function expectWhile(outcome: Partial<Outcome>, scenario: () => Promise<unknown>): Promise<void> {
  const from = running.minute;
  await scenario();
  expectOutcome(alarms, running.data, { from, to: running.minute }, outcome);
}

describe('strangers', () => {
  it('forged signatures for ten minutes beside real webhooks sound no alarm', () =>
    expectWhile({}, async () => {
      await running.run(10, async (minute) => {
        await healthy(minute);
        for (let n = 0; n < 5; n++) await deliver(running, { secret: 'whsec_of_a_stranger' });
      });
      await running.run(30, healthy);
    }));

  it('forged signatures mail if no webhook was processed for 30 minutes, and undo no release', () =>
    expectWhile({ mails: { 'signatures-refused': 45 } }, () =>
      running.run(45, async () => {
        await caller.deployFix();
        await deliver(running, { secret: 'whsec_of_a_stranger' });
      }),
    ));

  it('floods of 401 mail, and undo no release', () =>
    expectWhile({ mails: { 'keys-refused': 16 } }, () =>
      running.run(25, async (minute) => {
        await healthy(minute);
        for (let n = 0; n < 20; n++) await running.http('get-usage', { apiKey: 'rsolv_unknown' });
      }),
    ));
});

describe('a release', () => {
  /** The caller's fixes, billed as often as on a busy day. */
  const busy = async () => {
    const { text } = await caller.record();
    const id = String(JSON.parse(text).id);
    for (let n = 0; n < 10; n++) await caller.bill(id);
  };
  const refusesEveryKey: Version = (event, run) => run({ ...event, pathParameters: { id: 'not an id' } });
  const works: Version = (event, run) => run(event);

  it('a canary that refuses every key is rolled back within its time', () =>
    expectWhile(
      {
        pages: { 'bill-fix-attempt-canary': CANARY_MINUTES - 1, 'probe-failed': 5 },
        rollbacks: ['bill-fix-attempt-canary', 'probe-failed'],
      },
      async () => {
        await deliver(running);
        const end = running.canary('bill-fix-attempt', refusesEveryKey);
        await running.run(CANARY_MINUTES, busy);
        end();
      },
    ));

  it('a canary that works sounds no alarm', () =>
    expectWhile({}, async () => {
      await deliver(running);
      const end = running.canary('bill-fix-attempt', works);
      await running.run(CANARY_MINUTES, busy);
      end();
    }));

  it('a caller who sends nonsense to every version undoes no release', () =>
    expectWhile({}, async () => {
      const end = running.canary('bill-fix-attempt', works);
      await running.run(CANARY_MINUTES, async (minute) => {
        await healthy(minute);
        for (let n = 0; n < 3; n++) await caller.bill('not an id');
      });
      end();
    }));

  it('a release that refuses every key after its canary pages, by the refusals and by the probe', () =>
    expectWhile(
      {
        // The canary's alarm compares with the 10 minutes before, too.
        pages: { 'requests-refused': 6, 'probe-failed': 5, 'bill-fix-attempt-canary': 2 },
        rollbacks: ['bill-fix-attempt-canary', 'probe-failed', 'requests-refused'],
      },
      async () => {
        const undo = running.release(['bill-fix-attempt'], refusesEveryKey);
        await running.run(15, async (minute) => {
          if (minute % 10 === 0) await deliver(running);
          await busy();
        });
        undo();
      },
    ));

  it('callers who send nonsense to a good release sound no alarm of the probe', () =>
    expectWhile({ pages: { 'requests-refused': 6 }, rollbacks: ['requests-refused'] }, () =>
      running.run(15, async (minute) => {
        if (minute % 10 === 0) await deliver(running);
        for (let n = 0; n < 10; n++) await caller.bill('not an id');
      }),
    ));

  it('a real defect pages and rolls back within two minutes', async () => {
    const broken = await Caller.signUp(running);
    const fix = String(JSON.parse((await broken.record()).text).id);
    await running.run(1, healthy);
    const head = keys.head(broken.customerId);
    await expectWhile({ pages: { defects: 2, 'api-faults': 6 }, rollbacks: ['defects'] }, async () => {
      await tamper(running.money.deps, head, 'balance', 'many');
      expect((await broken.bill(fix)).status).toBe(500);
      await running.run(CANARY_MINUTES, healthy);
    });
    await tamper(running.money.deps, head, 'balance', 1_005);
  });
});

describe('silence', () => {
  it('a disabled schedule of the probe pages within 20 minutes', () =>
    expectWhile({ pages: { 'probe-silent': 20 } }, () => {
      running.unscheduled.add('probe');
      return running.run(25, healthy);
    }));

  it('a concurrency of 0 at the probe pages within 20 minutes', () =>
    expectWhile({ pages: { 'probe-silent': 20 }, mails: { 'probe-throttles': 20 } }, () => {
      running.stopped.add('probe');
      return running.run(25, healthy);
    }));

  it('an hour without a request of a customer pages, although the probe asks each minute', () =>
    expectWhile({ pages: { 'requests-missing': 60 } }, () =>
      running.run(70, async (minute) => {
        if (minute % 10 === 0) await deliver(running);
      }),
    ));
});

describe('the work behind the calls', () => {
  it('a disabled sweeper pages within 20 minutes', () =>
    expectWhile({ pages: { 'sweeper-silent': 20 } }, () => {
      running.unscheduled.add('settle-pending-charges');
      return running.run(25, healthy);
    }));

  it('disabled warnings mail within 20 minutes', () =>
    expectWhile({ mails: { 'warnings-silent': 20 } }, () => {
      running.unscheduled.add('warn-low-balances');
      return running.run(25, healthy);
    }));

  it('a concurrency of 0 that a restore left at the sweeper pages within 20 minutes', () =>
    expectWhile(
      { pages: { 'sweeper-silent': 20 }, mails: { 'settle-pending-charges-throttles': 20 } },
      () => {
        running.stopped.add('settle-pending-charges');
        return running.run(25, healthy);
      },
    ));

  it('a concurrency of 0 that a restore left at billing pages within 20 minutes', () =>
    expectWhile(
      {
        pages: {
          'api-faults': 2,
          'error-budget-fast': 20,
          'bill-fix-attempt-throttles': 20,
          'probe-silent': 20,
        },
      },
      () => {
        running.stopped.add('bill-fix-attempt');
        return running.run(25, async (minute) => {
          await caller.deployFix();
          if (minute % 10 === 0) await deliver(running);
        });
      },
    ));

  it("a mapping of the table's stream that is off mails within 20 minutes of the first notice", () =>
    expectWhile({ mails: { 'notices-stuck': 20 }, stays: ['notices-stuck'] }, async () => {
      running.isStreamRead = false;
      await Caller.signUp(running);
      await running.run(60, healthy);
    }));

  it('a parked event that stays keeps its alarm until it is resolved', async () => {
    const { id: customer } = await running.money.stripe.customers.create({
      metadata: { customer_id: 'unknown-here' },
    });
    const heard = { pages: { 'sweeper-silent': 60 }, mails: { 'events-parked': 6 } };
    await expectWhile({ ...heard, stays: ['events-parked'] }, async () => {
      const object = { id: 'sub_parked', object: 'subscription', customer };
      const event = { id: 'evt_parked', type: 'customer.subscription.updated', data: { object } };
      await deliver(running, { event });
      await running.run(30, healthy);
      // The sweeper measures what is parked. Without it, nothing is known to be resolved.
      running.unscheduled.add('settle-pending-charges');
      await running.run(40, healthy);
    });
    await remove(running.money.deps, keys.event('evt_parked'));
  });
});

describe('an outage of AWS', () => {
  it('Parameter Store throttled and hung for ten minutes fails no request and undoes no release', () =>
    expectWhile({ mails: { 'parameters-stale': 16 } }, async () => {
      await running.run(5, healthy);
      running.aws.parameters = 'throttled';
      await running.run(5, (minute) => deliver(running).then(() => healthy(minute + 1)));
      running.aws.parameters = 'hung';
      await running.run(5, async (minute) => {
        expect((await deliver(running)).status).toBe(200);
        await healthy(minute + 1);
        // Longer than a read of a parameter waits for its answer.
        await sleep(2_100);
      });
      running.aws.parameters = 'none';
      await running.run(5, healthy);
    }));

  it('a throttled table answers 503, is no defect, and undoes no release', () =>
    expectWhile({ pages: { 'api-faults': 3 } }, async () => {
      await running.run(1, healthy);
      running.throttleTable(true);
      await running.run(2, async () => {
        const answers = await Promise.all([caller.record(), caller.record(), caller.record()]);
        expect(answers.map(({ status }) => status)).toEqual([503, 503, 503]);
      });
      running.throttleTable(false);
      await running.run(10, healthy);
    }));
});
