import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { onboardCustomer } from '../../../lib/operations/accounts/onboard-customer.ts';
import { billFixAttempt } from '../../../lib/operations/fixes/bill-fix-attempt.ts';
import { adjustCredits } from '../../../lib/operations/ledger/adjust-credits.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import type { Table } from '../../../lib/store/table.ts';
import { expectSoundLedger, recordedFix } from '../../support/customers.ts';
import { middlewareOf } from '../../support/documents.ts';
import { uniqueEmail } from '../../support/fixtures.ts';
import { anotherClientOf, openTestTable, testDeps } from '../../support/table.ts';

/*
 * Several clients run commands for one customer against the real engine. fast-check picks which client's
 * DynamoDB call goes next. It explores races on purpose and shrinks a failure to a short schedule. The model
 * does not know heads or conditions: it is a counter. It applies the commands in the order of the ledger and
 * predicts the balance after each.
 */

type Command =
  | { readonly kind: 'bill'; readonly pr: number }
  | { readonly kind: 'adjust'; readonly key: string; readonly amount: number };

interface Happened {
  readonly command: Command;
  /** The balance that the caller received. */
  readonly balance: number;
  readonly outcome: 'changed' | 'already' | 'refused';
}

const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ kind: fc.constant('bill' as const), pr: fc.integer({ min: 1, max: 4 }) }),
  // The amount depends on the key, as when an operator repeats a command.
  fc.constantFrom(['a', -4], ['b', -2], ['c', 3], ['d', 1]).map(([key, amount]) => ({
    kind: 'adjust' as const,
    key: String(key),
    amount: Number(amount),
  })),
);

const TRIAL_CREDITS = 5;

let table: Table;
beforeAll(async () => {
  table = await openTestTable();
});

/** A client of the same table whose calls wait until the scheduler releases them one by one. */
function scheduledDeps(scheduler: fc.Scheduler): PaymentDeps {
  const scheduled = anotherClientOf(table);
  middlewareOf(scheduled).add(
    (next, context) => (args) =>
      new Promise((resolve, reject) => {
        const label = String(context.commandName);
        scheduler.scheduleSequence([{ label, builder: () => next(args).then(resolve, reject) }]);
      }),
    { step: 'initialize', priority: 'high', name: 'scheduled' },
  );
  return testDeps(scheduled, { sleep: async () => {} });
}

async function run(
  deps: PaymentDeps,
  customerId: string,
  fixIds: readonly string[],
  todo: Command,
): Promise<Happened> {
  try {
    if (todo.kind === 'bill') {
      const billing = await billFixAttempt(deps, customerId, fixIds[todo.pr - 1] ?? '');
      const outcome = billing.kind !== 'billed' ? 'refused' : billing.already ? 'already' : 'changed';
      return { command: todo, balance: billing.balance, outcome };
    }
    const adjustment = { amount: todo.amount, reason: 'test', actor: 'client', idempotencyKey: todo.key };
    const { balance, already } = await adjustCredits(deps, customerId, adjustment);
    return { command: todo, balance, outcome: already ? 'already' : 'changed' };
  } catch (error) {
    expect(error).toMatchObject({ code: 'insufficient_credits' });
    return { command: todo, balance: -1, outcome: 'refused' };
  }
}

const nameOf = (done: Command): string => (done.kind === 'bill' ? `fix ${done.pr}` : `key ${done.key}`);
const amountOf = (done: Command): number => (done.kind === 'bill' ? -1 : done.amount);

describe('any interleaving of several clients of one customer', () => {
  it('any interleaving of several clients of one customer keeps the invariants, and ends in the balances of the model', async () => {
    const clients = fc.array(fc.array(command, { minLength: 1, maxLength: 5 }), {
      minLength: 1,
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), clients, async (scheduler, commandsByClient) => {
        const direct = testDeps(table);
        const signUp = { name: 'Acme', email: uniqueEmail(), source: 'direct' };
        const { customerId } = (await onboardCustomer(direct, signUp)).head;
        const fixIds = await Promise.all([1, 2, 3, 4].map((pr) => recordedFix(direct, customerId, pr)));

        const deps = scheduledDeps(scheduler);
        const work = commandsByClient.map(async (commands) => {
          const happened: Happened[] = [];
          for (const todo of commands) happened.push(await run(deps, customerId, fixIds, todo));
          return happened;
        });
        const happened = (await scheduler.waitFor(Promise.all(work))).flat();

        const { head, entries } = await expectSoundLedger(direct, customerId);
        const changes = new Map(
          happened.filter(({ outcome }) => outcome === 'changed').map((done) => [nameOf(done.command), done]),
        );
        // Only one caller gets "changed" for each change.
        expect(happened.filter(({ outcome }) => outcome === 'changed')).toHaveLength(changes.size);
        expect(entries).toHaveLength(1 + changes.size);

        let predicted = TRIAL_CREDITS;
        const balances = [predicted];
        for (const { source, metadata } of entries.slice(1)) {
          const name =
            source === 'fix_deployed'
              ? `fix ${fixIds.indexOf(String(metadata['fix_attempt_id'])) + 1}`
              : `key ${metadata['idempotency_key']}`;
          const done = changes.get(name);
          expect(done, `entry of ${name}, which nobody was told of`).toBeDefined();
          if (done === undefined) return;
          predicted += amountOf(done.command);
          balances.push(predicted);
          expect(done.balance, `balance told to the client of ${name}`).toBe(predicted);
        }
        expect(head.balance).toBe(predicted);

        for (const { command: refused, outcome } of happened) {
          if (outcome === 'already') expect(changes.has(nameOf(refused))).toBe(true);
          if (outcome === 'refused')
            expect(balances.some((balance) => balance + amountOf(refused) < 0)).toBe(true);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('one client after another gets exactly the answers of the model', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 1, maxLength: 15 }), async (commands) => {
        const deps = testDeps(table);
        const signUp = { name: 'Acme', email: uniqueEmail(), source: 'direct' };
        const { customerId } = (await onboardCustomer(deps, signUp)).head;
        const fixIds = await Promise.all([1, 2, 3, 4].map((pr) => recordedFix(deps, customerId, pr)));

        let balance = TRIAL_CREDITS;
        const balanceAfter = new Map<string, number>();
        for (const todo of commands) {
          const answer = await run(deps, customerId, fixIds, todo);
          const name = nameOf(todo);
          const before = balanceAfter.get(name);
          if (before !== undefined) {
            // A repeated adjustment returns its first answer. A fix billed before returns the current
            // balance.
            expect(answer).toMatchObject({
              outcome: 'already',
              balance: todo.kind === 'bill' ? balance : before,
            });
          } else if (balance + amountOf(todo) < 0) {
            expect(answer.outcome).toBe('refused');
          } else {
            balance += amountOf(todo);
            balanceAfter.set(name, balance);
            expect(answer).toMatchObject({ outcome: 'changed', balance });
          }
        }
        const { head } = await expectSoundLedger(deps, customerId);
        expect(head.balance).toBe(balance);
      }),
      { numRuns: 50 },
    );
  });
});
