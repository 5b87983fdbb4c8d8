import { expect } from 'vitest';
import { settlePendingCharges } from '../../lib/operations/work/sweep.ts';
import { listDueWork } from '../../lib/store/due-work.ts';
import type { StripeEvent } from '../../lib/stripe/event.ts';
import { atStripe, eventsNaming, serveMoney } from '../../test/support/http-money.ts';
import { auditedMoney, type Money } from '../../test/support/money.ts';
import { type Command, send, WEBHOOK_SECRET } from './commands.ts';
import { buildChild, type Done, type InChild } from './in-child.ts';
import type { CrashPoint } from './tripwire.ts';

/*
 * Kills a process at each call to DynamoDB and to Stripe: before the call, and after its effect but before
 * the answer. Then the client retries, or the sweeper runs, or Stripe's webhooks arrive and the client
 * retries. In every case money is taken once, the credits are right, and no work stays open.
 */

const AT_ONCE = 4;
const RECOVERIES = ['the client retries', 'the sweeper runs', 'webhooks arrive'] as const;
type Recovery = (typeof RECOVERIES)[number];

/** Crashes of a command for each of its calls: see `deathsAt`. */
export const DEATHS_PER_CALL = RECOVERIES.length + 1;

export interface Subject {
  readonly command: Command;
  readonly customerId: string;
}

export interface Saga<S extends Subject> {
  /** Makes a customer who can send the command. Each crash gets a new customer. */
  readonly prepare: () => Promise<S>;
  /** Runs between the crash and the recovery, or after a command without a crash. */
  readonly meanwhile?: (subject: S) => Promise<void>;
  /** Expects that the command took effect completely, and once. */
  readonly check: (subject: S) => Promise<void>;
  /** The statuses that the command and its retry may return. */
  readonly answers?: readonly number[];
  /** Whether the sweeper finishes a command after its answer: a closing or a refund. */
  readonly leavesWork?: boolean;
  /** Drift that the audit may report after the sweep, until the client retries or Stripe's event arrives. */
  readonly namedUntilThen?: RegExp;
  /** Time from the crash to the sweeper's run. The sweeper skips a payment that may still be in flight. */
  readonly sweptAfterMs?: number;
  /** The first call to crash at. Another saga covers the calls before it. */
  readonly from?: (call: string) => boolean;
}

export interface Crashes {
  readonly money: Money;
  readonly inChild: InChild;
  readonly stop: () => Promise<unknown>;
}

/** Opens a table and a Stripe stand-in that this process and the child processes share. */
export async function openCrashes(): Promise<Crashes> {
  const { money, stop } = await serveMoney();
  process.env['STRIPE_WEBHOOK_SECRETS'] = WEBHOOK_SECRET;
  const { inChild, remove } = await buildChild();
  return { money, inChild, stop: () => Promise.all([stop(), remove()]) };
}

interface Crashed<S> {
  readonly subject: S;
  readonly where: string;
  readonly recovery: Recovery;
}

/** Runs every crash, a few concurrently, and then every recovery. */
export async function everyCrash<S extends Subject>(
  { money, inChild }: Crashes,
  saga: Saga<S>,
): Promise<{ crashes: number; calls: readonly string[] }> {
  const { prepare, check, meanwhile, from, leavesWork = false, sweptAfterMs = 0 } = saga;
  const { answers = [200, 201], namedUntilThen } = saga;
  const { calls } = await whole();
  const first = from === undefined ? 0 : calls.findIndex(from);
  expect(first, 'the call to die at first was made').toBeGreaterThanOrEqual(0);
  const crashed = await aFewAtOnce(calls.flatMap(deathsAt).slice(first * DEATHS_PER_CALL), die);

  const going = (wanted: Recovery) => crashed.filter(({ recovery }) => recovery === wanted);
  await aFewAtOnce(going('webhooks arrive'), ({ subject }) =>
    money.deliver(eventsSoFar(money, subject.customerId)),
  );
  await repeatAndCheck([...going('webhooks arrive'), ...going('the client retries')]);
  await sweep();
  // Announced work is finished without the client, and nothing else cost money.
  await aFewAtOnce(going('the sweeper runs'), (one) =>
    named(one, async () => {
      const { violations } = await auditedMoney(money, one.subject.customerId);
      expect(violations.filter((message) => !namedUntilThen?.test(message))).toEqual([]);
    }),
  );
  await repeatAndCheck(going('the sweeper runs'));
  const { table } = money.deps;
  expect(await listDueWork(table, 'charge', new Date(Date.now() + 60_000), 10)).toEqual([]);
  return { crashes: crashed.length, calls };

  async function whole(): Promise<Done> {
    const subject = await prepare();
    const done = await inChild(subject.command, null);
    if (done === null) throw new Error('it was killed without a crash point');
    expect(done.calls.length, 'the whole command was done').toBeGreaterThan(0);
    if (meanwhile === undefined) expect(answers).toContain(done.status);
    else await meanwhile(subject);
    if (leavesWork) await sweep();
    await check(subject);
    return done;
  }

  async function die({ call, point, recovery }: Death): Promise<Crashed<S>> {
    const where = `killed ${point.when} call ${point.call} (${call}), then ${recovery}`;
    const subject = await prepare();
    const done = await inChild(subject.command, point);
    if (done !== null) throw new Error(`${where}: it was not killed and returned ${JSON.stringify(done)}`);
    await meanwhile?.(subject);
    return { subject, where, recovery };
  }

  async function repeatAndCheck(those: readonly Crashed<S>[]): Promise<void> {
    await aFewAtOnce(those, (one) => named(one, () => repeat(one.subject.command, answers)));
    if (leavesWork) await sweep();
    await aFewAtOnce(those, (one) => named(one, () => check(one.subject)));
  }

  async function sweep(): Promise<void> {
    const deps = { ...money.deps, now: () => new Date(Date.now() + sweptAfterMs) };
    expect((await settlePendingCharges(deps, 0)).failed).toEqual([]);
  }
}

interface Death {
  readonly call: string;
  readonly point: CrashPoint;
  readonly recovery: Recovery;
}

/**
 * After a call: every recovery. Before a call: one recovery, by turns. The state before a call is mostly the
 * state after the previous call, so the other two recoveries would add little.
 */
function deathsAt(call: string, i: number): Death[] {
  const after = RECOVERIES.map((recovery) => ({ recovery, when: 'after' as const }));
  const before = RECOVERIES.filter((_, n) => n === i % RECOVERIES.length).map((recovery) => ({
    recovery,
    when: 'before' as const,
  }));
  return [...before, ...after].map(({ recovery, when }) => ({
    call,
    point: { call: i + 1, when },
    recovery,
  }));
}

async function repeat(command: Command, answers: readonly number[]): Promise<void> {
  const { status, body } = await send(command);
  expect(answers, JSON.stringify(body)).toContain(status);
}

/** Adds the crash to the error. */
async function named({ where }: Crashed<unknown>, work: () => Promise<unknown>): Promise<void> {
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

/** Stripe's events so far about a customer and their payments. Refunds and disputes name no customer. */
export function eventsSoFar(money: Money, customerId: string): StripeEvent[] {
  const { customers, payments } = atStripe(money, customerId);
  const ids = [...customers, ...payments].map(({ id }) => id);
  return ids.length === 0 ? [] : eventsNaming(money, ids);
}
