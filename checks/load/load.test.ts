import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { localDeps } from '../../cli/stage/local-deps.ts';
import { runningStack } from '../../cli/stage/running.ts';
import { readServerlessFile } from '../../cli/stage/serverless-file.ts';
import { keys } from '../../lib/store/keys.ts';
import { openSetupStripe } from '../../lib/stripe/setup/open.ts';
import { tamper } from '../../test/support/reconciliation.ts';
import { type RunningStack, startStack, useTestCredentials } from '../../test/support/running-stack.ts';
import { Random } from '../simulation/random.ts';
import { verify } from './verify.ts';
import { Webhooks } from './webhooks.ts';
import { World } from './world.ts';

let stack: RunningStack;
beforeAll(async () => {
  useTestCredentials();
  stack = await startStack();
});
afterAll(async () => {
  await stack.end('SIGTERM');
});

/** Runs `npm run check:load` against this file's stack. */
function load(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['checks/load/run.ts', '--url', stack.url, '--json', ...args],
    { encoding: 'utf8' },
  );
  if (stdout === '') throw new Error(stderr);
  return { status, result: JSON.parse(stdout) };
}

describe('npm run check:load', () => {
  it('a load run of a correct service has only expected answers, each stored in the ledger once', () => {
    const few = ['--seconds', '2', '--rate', '10', '--webhooks', '300', '--sign-ups', '60'];
    const { status, result } = load(...few, '--seed', '1');
    expect(result.unexplained).toEqual({ count: 0, named: [] });
    expect(result.verified.faults).toEqual([]);
    expect([status, result.held]).toEqual([0, true]);
    expect(result.verified.fixesBilled).toBeGreaterThan(0);
    expect(result.verified.charges).toBeGreaterThan(0);
    expect(result.verified.eventsDelivered).toBeGreaterThan(0);
    expect(result.verified.books).toMatchObject({ centsApart: 0 });
    expect(result.verified.books.charged).toBeGreaterThan(0);
  });

  it('the load check finds an answer that the ledger contradicts', async () => {
    const random = new Random('promises');
    const world = new World(random);
    const person = { id: stack.customerId, apiKey: stack.apiKey, plan: 'trial', pullRequests: 1 } as const;
    world.join(person);
    world.fixes.push({
      person,
      prNumber: 1,
      id: 'f1',
      billedAnswers: 1,
      alreadyBilledAnswers: 0,
      lost: 0,
      paidCents: 0,
    });
    const webhooks = new Webhooks(random, 'x');
    webhooks.delivered.set('evt_loadxx1', { newAnswers: 1, duplicateAnswers: 0, lost: 0, isTheirs: false });
    const running = runningStack(stack.port);
    const { faults } = await verify({ stack: running, world, webhooks, run: 'promises', onStep: () => {} });
    expect(faults).toEqual([
      `${stack.customerId}: fix f1 (#1) was recorded but is not stored`,
      'event evt_loadxx1 was accepted but is not recorded',
    ]);
  });

  it('the load check reports money at Stripe without a ledger entry in cents, and in total', async () => {
    const { stripe } = runningStack(stack.port);
    const sdk = openSetupStripe(stripe.secretKey, stripe.apiBase);
    const { id: customer } = await sdk.customers.create({ metadata: { customer_id: stack.customerId } });
    await sdk.paymentIntents.create({
      ...{ amount: 1_234, currency: 'usd', customer, payment_method: 'pm_card_visa' },
      ...{ confirm: true, off_session: true, allowed_payment_method_types: ['card'] },
    });
    const { status, result } = load('--seconds', '0');
    expect([status, result.held]).toEqual([1, false]);
    expect(result.verified.books.centsApart).toBe(1_234);
    expect(result.verified.faults).toContainEqual(
      expect.stringMatching(/: Stripe and the ledgers are 1234 cents apart$/),
    );
  });

  it('an entry that was changed by hand fails the load check', async () => {
    const { endpoint } = runningStack(stack.port);
    const { table } = localDeps(endpoint, readServerlessFile().tableName);
    await tamper({ table }, keys.entry(stack.customerId, 1), 'amount', 6);
    table.client.destroy();
    const { status, result } = load('--seconds', '0');
    expect([status, result.held]).toEqual([1, false]);
    expect(result.verified.faults).toContain(
      `drift: ${stack.customerId}: entry 1 was changed: its hash does not match`,
    );
  });
});
