import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import * as z from 'zod/mini';
import { settlePendingCharges } from '../../lib/operations/work/sweep.ts';
import { listDueWork } from '../../lib/store/due-work.ts';
import type { Table } from '../../lib/store/table.ts';
import { recordedFix } from '../../test/support/customers.ts';
import { customerWith } from '../../test/support/fixtures.ts';
import {
  customerWithCard,
  expectSoundMoney,
  headOf,
  type Money,
  openMoney,
} from '../../test/support/money.ts';
import { openTestTable } from '../../test/support/table.ts';
import { type Command, send } from './commands.ts';
import type { CrashPoint } from './tripwire.ts';

/*
 * A process that is killed at each call it makes, to DynamoDB and to Stripe: before the call, and after its effect but before
 * the answer. Then the client sends its request again, or the sweeper runs, or Stripe's webhooks arrive and then the client
 * comes back. However it goes on, money was taken once, the credits are right, and nothing is left open.
 */

const AT_ONCE = 4;
const RECOVERIES = ['the client repeats', 'the sweeper runs', 'webhooks arrive'] as const;
type Recovery = (typeof RECOVERIES)[number];

interface Subject {
  readonly command: Command;
  readonly customerId: string;
}

let table: Table;
let money: Money;

let stop: () => Promise<void>;

/* The functions of this process, and of the children, work on this table and this double. */
beforeAll(async () => {
  table = await openTestTable();
  money = await openMoney(table, {
    endWith: (end) => {
      stop = end;
    },
  });
  Object.assign(process.env, money.env, {
    TABLE_NAME: table.name,
    DYNAMODB_ENDPOINT: inject('dynamodbEndpoint'),
  });
});
afterAll(() => stop());

const Done = z.object({ status: z.int(), calls: z.array(z.string()) });

/** The child's own report, or null when it was killed, as it should be with a crash point. */
async function inChild(command: Command, point: CrashPoint | null): Promise<z.output<typeof Done> | null> {
  const child = spawn(process.execPath, ['checks/crash/child.ts', JSON.stringify({ command, point })], {
    env: { ...process.env, POWERTOOLS_LOG_LEVEL: 'SILENT', POWERTOOLS_METRICS_DISABLED: 'true' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output, [code, signal]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  if (signal === 'SIGKILL') return null;
  expect(code, output).toBe(0);
  return Done.parse(JSON.parse(output.trim().split('\n').at(-1) ?? ''));
}

/** Events of this customer alone, for others are at work on the same double. */
function isAbout({ data }: { data: { object: unknown } }, customerId: string): boolean {
  const { state } = money.double;
  const mine = state.customers.newestFirst.find(({ metadata }) => metadata['customer_id'] === customerId);
  return mine !== undefined && JSON.stringify(data.object).includes(mine.id);
}

interface Crashed extends Subject {
  readonly where: string;
  readonly recovery: Recovery;
}

/** Runs every way to die, a few at once, and then every way to go on. */
async function everyCrash(
  prepare: () => Promise<Subject>,
  check: (subject: Subject) => Promise<void>,
): Promise<{ crashes: number; calls: readonly string[] }> {
  const whole = await prepare();
  const calls = (await inChild(whole.command, null))?.calls ?? [];
  await check(whole);
  const deaths = calls.flatMap((call, i) =>
    (['before', 'after'] as const).flatMap((when) =>
      RECOVERIES.map((recovery) => ({ call, point: { call: i + 1, when }, recovery })),
    ),
  );
  const crashed = await aFewAtOnce(deaths, async ({ call, point, recovery }): Promise<Crashed> => {
    const where = `killed ${point.when} call ${point.call} (${call}), then ${recovery}`;
    const subject = await prepare();
    expect(await inChild(subject.command, point), `${where}: it should have been killed`).toBeNull();
    return { ...subject, where, recovery };
  });

  const going = (wanted: Recovery) => crashed.filter(({ recovery }) => recovery === wanted);
  await aFewAtOnce(going('webhooks arrive'), ({ customerId }) =>
    money.deliver(money.events().filter((event) => isAbout(event, customerId))),
  );
  await aFewAtOnce([...going('webhooks arrive'), ...going('the client repeats')], (one) =>
    repeatAndCheck(one, check),
  );
  expect((await settlePendingCharges(money.deps, 0)).failed).toEqual([]);
  await aFewAtOnce(going('the sweeper runs'), async (one) => {
    // What was begun is finished without the client; what was not announced did not cost anything.
    await expectSoundMoney(money, one.customerId);
    await repeatAndCheck(one, check);
  });
  expect(await listDueWork(table, 'charge', new Date(Date.now() + 60_000), 10)).toEqual([]);
  return { crashes: deaths.length, calls };
}

async function repeatAndCheck(one: Crashed, check: (subject: Subject) => Promise<void>): Promise<void> {
  try {
    const { status, body } = await send(one.command);
    expect([200, 201], JSON.stringify(body)).toContain(status);
    await check(one);
  } catch (error) {
    throw new Error(one.where, { cause: error });
  }
}

async function aFewAtOnce<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const waiting = [...items];
  const results: R[] = [];
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
      results.push(await work(next));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return results;
}

const stripeSide = (customerId: string) => {
  const { state } = money.double;
  const customers = state.customers.newestFirst.filter(
    ({ metadata }) => metadata['customer_id'] === customerId,
  );
  const ids = new Set(customers.map(({ id }) => id));
  const ofThem = <T extends { customer: unknown }>(all: readonly T[]) =>
    all.filter(({ customer }) => typeof customer === 'string' && ids.has(customer));
  return {
    customers,
    paid: ofThem(state.paymentIntents.newestFirst).filter(({ status }) => status === 'succeeded'),
    subscriptions: ofThem(state.subscriptions.newestFirst),
  };
};

describe('killed at every call', () => {
  it('billing a fix by card: charged once, billed once, nothing stuck', { timeout: 240_000 }, async () => {
    const { crashes, calls } = await everyCrash(
      async () => {
        const { customerId, apiKey } = await customerWithCard(money, 0);
        return {
          command: { kind: 'bill', apiKey, fixId: await recordedFix(money.deps, customerId, 1) },
          customerId,
        };
      },
      async ({ customerId }) => {
        expect(stripeSide(customerId).paid.map(({ amount }) => amount)).toEqual([2_900]);
        const { head } = await expectSoundMoney(money, customerId);
        expect(head.balance).toBe(0);
      },
    );
    expect(calls.filter((call) => call.includes('/v1/payment_intents'))).toHaveLength(1);
    expect(crashes).toBe(calls.length * 6);
  });

  it('subscribing to Pro: one subscription, one payment, 60 credits once', { timeout: 240_000 }, async () => {
    const { calls } = await everyCrash(
      async () => {
        const { customerId, apiKey } = await customerWithCard(money, 5);
        return { command: { kind: 'subscribe', apiKey }, customerId };
      },
      async ({ customerId }) => {
        const { paid, subscriptions } = stripeSide(customerId);
        expect(subscriptions.map(({ status }) => status)).toEqual(['active']);
        expect(paid.map(({ amount }) => amount)).toEqual([59_900]);
        await expectSoundMoney(money, customerId);
        expect(await headOf(money.deps, customerId)).toMatchObject({ balance: 65, subscriptionType: 'pro' });
      },
    );
    expect(calls).toContain('POST /v1/subscriptions');
  });

  it('adding a card: one Stripe customer, the card on file, the bonus once', {
    timeout: 240_000,
  }, async () => {
    const { calls } = await everyCrash(
      async () => {
        const { head, apiKey } = await customerWith(money.deps, 5);
        // A card of its own for each, so that each is due its bonus.
        const card = await money.newCard();
        return { command: { kind: 'add_card', apiKey, card }, customerId: head.customerId };
      },
      async ({ customerId }) => {
        expect(stripeSide(customerId).customers).toHaveLength(1);
        await expectSoundMoney(money, customerId);
        const head = await headOf(money.deps, customerId);
        expect(head).toMatchObject({ balance: 10, subscriptionType: 'pay_as_you_go' });
        expect(head.paymentMethodId).toMatch(/^pm_/);
      },
    );
    expect(calls).toContain('POST /v1/customers');
  });
});
