import { afterAll, afterEach, beforeAll, beforeEach, it } from 'vitest';
import { packagedStages } from '../template/stages.ts';
import { alarmsOfTemplate } from './from-template.ts';
import { afterHealthyHours, healthyHour } from './healthy.ts';
import { expectOutcome, type Outcome } from './outcome.ts';
import type { RunningStage } from './running-stage.ts';
import { startStage } from './start-stage.ts';

/* A stage without customers, on which only the probe notices what a release does. */

const found = packagedStages.find(({ stage }) => stage === 'staging');
if (found === undefined) throw new Error('staging is not packaged');
const { template } = found;
const alarms = alarmsOfTemplate(template, 'rsolv-billing-staging-');

let running: RunningStage;
let stop: () => Promise<void>;
let recorded = 0;
beforeAll(async () => {
  ({ running, stop } = await startStage(template, 'staging', '2026-11-24T08:00:00Z'));
  await running.run(5);
  recorded = running.minute;
  await healthyHour(running, async () => {});
});
afterAll(() => stop());
beforeEach(() => afterHealthyHours(running, recorded));
// As in scenarios.spec.ts.
afterEach(() => running.run(25));

async function expectWhile(outcome: Partial<Outcome>, scenario: () => Promise<unknown>): Promise<void> {
  const from = running.minute;
  await scenario();
  expectOutcome(alarms, running.data, { from, to: running.minute }, outcome);
}

it('two hours with the probe alone sound nothing, also when it replaces its customer', () =>
  expectWhile({}, () => running.run(120)));

/* The answer comes from the release itself, which counts nothing. */
it.each([401, 403, 422])('a release that answers %i to every key pages within 5 minutes', async (status) => {
  // Afterwards the test customer of this day is signed up.
  await running.run(15);
  await expectWhile({ pages: { 'probe-failed': 5 }, rollbacks: ['probe-failed'] }, async () => {
    const body = JSON.stringify({ status, code: 'refused' });
    const keyed = ['record-fix-attempt', 'find-fix-attempt', 'bill-fix-attempt'];
    const undo = running.release(keyed, async () => ({ statusCode: status, body }));
    await running.run(10);
    undo();
    await running.run(15);
  });
});

it('a table that answers no read for 5 minutes sounds nothing, because the probe decides nothing', async () => {
  await running.run(15);
  await expectWhile({}, async () => {
    const error = { name: 'ThrottlingException' };
    running.engine.fail({ operation: 'BatchGetItem', when: 'refuse', times: 1_000_000, error });
    await running.run(5);
    running.engine.fail();
    await running.run(10);
  });
});
