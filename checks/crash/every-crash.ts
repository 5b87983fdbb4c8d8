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
 * A process that is killed at each call it makes, to DynamoDB and to Stripe: before the call, and after its effect but before
 * the answer. Then the caller sends the request again, or the sweeper runs, or Stripe's webhooks arrive and then the caller
 * comes back. However it goes on, money was taken once, the credits are right, and nothing is left open.
 */

const AT_ONCE = 4;
const RECOVERIES = ['the client repeats', 'the sweeper runs', 'webhooks arrive'] as const;
type Recovery = (typeof RECOVERIES)[number];

/** Deaths of a command for each of its calls: see `deathsAt`. */
export const DEATHS_PER_CALL = RECOVERIES.length + 1;

export interface Subject {
  readonly command: Command;
  readonly customerId: string;
}

export interface Saga<S extends Subject> {
  /** Makes a customer who can send the command, a new one for each death. */
  readonly prepare: () => Promise<S>;
  /** What happens between the death and the recovery, or after a command that did not die. */
  readonly meanwhile?: (subject: S) => Promise<void>;
  /** Expects that all of the command was done, once. */
  readonly check: (subject: S) => Promise<void>;
  /** What the command, and its repeat, may be answered with. */
  readonly answers?: readonly number[];
  /** Whether the sweeper does the rest of a command that is answered: a closing, or money that goes back. */
  readonly leavesWork?: boolean;
  /** What the audit may name after the sweeper ran, until the client or Stripe's event comes back. */
  readonly namedUntilThen?: RegExp;
  /** How much later than the death the sweeper runs. A payment that may be in flight in another call is left open. */
  readonly sweptAfterMs?: number;
  /** The first call to die at. What comes before it dies in another saga. */
  readonly from?: (call: string) => boolean;
}

export interface Crashes {
  readonly money: Money;
  readonly inChild: InChild;
  readonly stop: () => Promise<unknown>;
}

/** A table and a double that the functions of this process, and of the children, work on. */
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

/** Runs every way to die, a few at once, and then every way to go on. */
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
  await repeatAndCheck([...going('webhooks arrive'), ...going('the client repeats')]);
  await sweep();
  // What was begun is finished without the client; what was not announced did not cost anything.
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
    if (done !== null) throw new Error(`${where}: it was not killed, but answered ${JSON.stringify(done)}`);
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
 * After a call, with every recovery; before it, with one of them in turn: what is stored then is mostly what is stored after the
 * call before it, so the other two say little.
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

/** What fails says at which death. */
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

/** Stripe's events about a customer and their payments, also before Stripe knows them. A refund or a dispute names no customer. */
export function eventsSoFar(money: Money, customerId: string): StripeEvent[] {
  const { customers, payments } = atStripe(money, customerId);
  const ids = [...customers, ...payments].map(({ id }) => id);
  return ids.length === 0 ? [] : eventsNaming(money, ids);
}
