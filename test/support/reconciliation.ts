import { setImmediate } from 'node:timers/promises';
import { DeleteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { onTestFinished } from 'vitest';
import { billFixAttempt } from '../../lib/operations/fixes/bill-fix-attempt.ts';
import { orderOf } from '../../lib/operations/plans/settle-order.ts';
import { subscribeToPro } from '../../lib/operations/plans/subscribe-to-pro.ts';
import { type ReconcileOptions, reconcile } from '../../lib/operations/reconcile/run.ts';
import type { PaymentDeps } from '../../lib/runtime/deps.ts';
import type { Key } from '../../lib/store/keys.ts';
import type { Table } from '../../lib/store/table.ts';
import type { StripePort } from '../../lib/stripe/port.ts';
import { recordedFix } from './customers.ts';
import { documents } from './documents.ts';
import { customerWith } from './fixtures.ts';
import { customerWithCard, type Money, openMoney } from './money.ts';
import { openTestTable } from './table.ts';

const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;

/** A separate table and Stripe stand-in, because a reconciliation reads everything. */
export interface Books extends Money {
  readonly table: Table;
  /**
   * Advances Stripe's clock and ours. Ours is an hour ahead, so a change made now at Stripe is an hour old.
   */
  later(days: number): Promise<void>;
  /** Advances only our clock. Sleeping advances it too, and returns at once. */
  wait(ms: number): void;
}

export async function openBooks(): Promise<Books> {
  const table = await openTestTable();
  onTestFinished(() => table.client.destroy());
  let aheadMs = HOUR_MS;
  const nowMs = () => Date.now() + aheadMs;
  const wait = (ms: number) => {
    aheadMs += ms;
  };
  const sleep = async (ms: number) => {
    const wakesMs = nowMs() + ms;
    // Concurrent sleepers share the same time.
    await setImmediate();
    wait(Math.max(0, wakesMs - nowMs()));
  };
  const money = await openMoney(table, { overrides: { now: () => new Date(nowMs()), sleep } });
  return {
    ...money,
    table,
    wait,
    later: async (days) => {
      await money.days(days);
      wait(days * DAY_MS);
    },
  };
}

let runs = 0;

/** Runs a whole reconciliation, under a new run name unless `options` has one. */
export function reconciled({ deps }: Pick<Books, 'deps'>, options: Partial<ReconcileOptions> = {}) {
  runs += 1;
  return reconcile(deps, { run: `test-${runs}`, ...options });
}

export interface Town {
  /** On trial, with one fix paid with a credit: the grant is entry 1, the fix entry 2. */
  readonly trial: { readonly customerId: string; readonly fixId: string };
  /** Paid one fix by card: the last two entries. */
  readonly payer: {
    readonly customerId: string;
    readonly stripeCustomerId: string;
    readonly fixId: string;
    readonly paymentIntentId: string;
  };
  /** On Pro, with one invoice paid and granted. */
  readonly pro: {
    readonly customerId: string;
    readonly stripeCustomerId: string;
    readonly invoiceId: string;
  };
}

/** Three customers with correct books and all events delivered. */
export async function soundTown(books: Books): Promise<Town> {
  const { deps } = books;
  const { head } = await customerWith(deps, 5);
  const trial = { customerId: head.customerId, fixId: await recordedFix(deps, head.customerId, 1) };
  await billFixAttempt(deps, trial.customerId, trial.fixId);

  const payer = await customerWithCard(books, 0);
  const fixId = await recordedFix(deps, payer.customerId, 1);
  const outcome = await billFixAttempt(deps, payer.customerId, fixId);
  if (outcome.kind !== 'billed') throw new Error(outcome.kind);

  const pro = await customerWithCard(books, 0);
  await subscribeToPro(deps, pro.customerId, orderOf(undefined));
  const [invoice] = books.double.state.invoices.newestFirst;
  await books.deliver();
  return {
    trial,
    payer: { ...payer, fixId, paymentIntentId: outcome.billed.paymentIntentId ?? '' },
    pro: { ...pro, invoiceId: invoice?.id ?? '' },
  };
}

/** Changes an item as only a manual edit could. */
export async function tamper(
  { table }: Pick<Books, 'table'>,
  key: Key,
  attribute: string,
  value: unknown,
): Promise<void> {
  await documents(table).send(
    new UpdateCommand({
      TableName: table.name,
      Key: { ...key },
      UpdateExpression: 'SET #attribute = :value',
      ExpressionAttributeNames: { '#attribute': attribute },
      ExpressionAttributeValues: { ':value': value },
    }),
  );
}

export async function remove({ table }: Pick<Books, 'table'>, key: Key): Promise<void> {
  await documents(table).send(new DeleteCommand({ TableName: table.name, Key: { ...key } }));
}

/**
 * Returns the deps with `happen` called before each Stripe call `question`. It gets the number of the call
 * and the first argument. If it throws, the call fails with that error.
 */
export async function beforeQuestion(
  deps: PaymentDeps,
  question: keyof StripePort,
  happen: (nth: number, about: unknown) => Promise<unknown>,
): Promise<PaymentDeps> {
  let asked = 0;
  const port = new Proxy(await deps.stripe(), {
    get: (target, name, receiver) => {
      const call: unknown = Reflect.get(target, name, receiver);
      if (typeof call !== 'function' || name !== question) return call;
      return async (...args: unknown[]) => {
        asked += 1;
        await happen(asked, args[0]);
        return call.apply(target, args);
      };
    },
  });
  return { ...deps, stripe: async () => port };
}
