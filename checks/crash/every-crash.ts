import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { expect } from 'vitest';
import * as z from 'zod/mini';
import { settlePendingCharges } from '../../lib/operations/work/sweep.ts';
import { listDueWork } from '../../lib/store/due-work.ts';
import { atStripe, serveMoney } from '../../test/support/http-money.ts';
import { expectSoundMoney, type Money } from '../../test/support/money.ts';
import { type Command, send, WEBHOOK_SECRET } from './commands.ts';
import type { CrashPoint } from './tripwire.ts';

/*
 * A process that is killed at each call it makes, to DynamoDB and to Stripe: before the call, and after its effect but before
 * the answer. Then the caller sends the request again, or the sweeper runs, or Stripe's webhooks arrive and then the caller
 * comes back. However it goes on, money was taken once, the credits are right, and nothing is left open.
 */

const AT_ONCE = 4;
const RECOVERIES = ['the client repeats', 'the sweeper runs', 'webhooks arrive'] as const;
type Recovery = (typeof RECOVERIES)[number];

/** Deaths of a command for each of its calls. */
export const DEATHS_PER_CALL = 2 * RECOVERIES.length;

export interface Subject {
  readonly command: Command;
  readonly customerId: string;
}

export interface Saga {
  /** Makes somebody who can send the command, a new one for each death. */
  readonly prepare: () => Promise<Subject>;
  /** Expects that all of the command was done, once. */
  readonly check: (subject: Subject) => Promise<void>;
  /** Whether the sweeper does the rest of a command that is answered: a closing, or money that goes back. */
  readonly leavesWork?: boolean;
  /** Whether the command reports money that the service did not move: until it is handled, the audit names that money. */
  readonly isReport?: boolean;
}

/** A table and a double that the functions of this process, and of the children, work on. */
export async function openCrashes(): Promise<{ money: Money; stop: () => Promise<void> }> {
  const served = await serveMoney();
  process.env['STRIPE_WEBHOOK_SECRETS'] = WEBHOOK_SECRET;
  return served;
}

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

interface Crashed extends Subject {
  readonly where: string;
  readonly recovery: Recovery;
}

/** Runs every way to die, a few at once, and then every way to go on. */
export async function everyCrash(
  money: Money,
  { prepare, check, leavesWork = false, isReport = false }: Saga,
): Promise<{ crashes: number; calls: readonly string[] }> {
  const whole = await prepare();
  const calls = (await inChild(whole.command, null))?.calls ?? [];
  expect(calls.length, 'the whole command was done').toBeGreaterThan(0);
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
    money.deliver(eventsSoFar(money, customerId)),
  );
  await repeatAndCheck([...going('webhooks arrive'), ...going('the client repeats')]);
  await sweep();
  // What was begun is finished without the client; what was not announced did not cost anything.
  if (!isReport) {
    await aFewAtOnce(going('the sweeper runs'), ({ customerId }) => expectSoundMoney(money, customerId));
  }
  await repeatAndCheck(going('the sweeper runs'));
  const { table } = money.deps;
  expect(await listDueWork(table, 'charge', new Date(Date.now() + 60_000), 10)).toEqual([]);
  return { crashes: deaths.length, calls };

  async function repeatAndCheck(those: readonly Crashed[]): Promise<void> {
    await aFewAtOnce(those, (one) => named(one, () => repeat(one.command)));
    if (leavesWork) await sweep();
    await aFewAtOnce(those, (one) => named(one, () => check(one)));
  }

  async function sweep(): Promise<void> {
    expect((await settlePendingCharges(money.deps, 0)).failed).toEqual([]);
  }
}

async function repeat(command: Command): Promise<void> {
  const { status, body } = await send(command);
  expect([200, 201], JSON.stringify(body)).toContain(status);
}

/** What fails says at which death. */
async function named({ where }: Crashed, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw new Error(where, { cause: error });
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

/** Stripe's events about a customer, also before Stripe knows them; others are at work on the same double. */
function eventsSoFar(money: Money, customerId: string) {
  const [known] = atStripe(money, customerId).customers;
  if (known === undefined) return [];
  return money.events().filter((event) => JSON.stringify(event).includes(known.id));
}
