import { range } from '../support/fixtures.ts';
import { assertAllBilled, customerWithFixes } from './customers.ts';
import { requestsOf, succeed } from './requests.ts';
import { type Setting, withoutOutput } from './setting.ts';
import { mean } from './statistics.ts';

/** How often each crowd is measured. The budgets are on the means of 10 and of 100; a crowd of 200 takes seconds. */
const CROWDS = [
  { fixes: 1, repetitions: 5 },
  { fixes: 10, repetitions: 20 },
  { fixes: 20, repetitions: 5 },
  { fixes: 50, repetitions: 3 },
  { fixes: 100, repetitions: 5 },
  { fixes: 200, repetitions: 1 },
] as const;

export interface Crowd {
  /** Billed at once, all for one customer. */
  readonly fixes: number;
  readonly repetitions: number;
  /** Means over the repetitions. */
  readonly transactionsPerFix: number;
  readonly readsPerFix: number;
  readonly milliseconds: number;
}

/**
 * Bills many fixes of one customer at the same instant through the handler, with a credit for each of them.
 * @throws Error when one of them fails, or the ledger is not exactly right afterwards.
 */
export async function measureHotCustomer(
  { deps }: Setting,
  progress: (what: string) => void,
): Promise<Crowd[]> {
  const { handler } = await import('../../functions/bill-fix-attempt.ts');
  const crowds: Crowd[] = [];
  for (const { fixes, repetitions } of CROWDS) {
    progress(`hot customer, ${fixes} at once`);
    const runs: { transactions: number; reads: number; milliseconds: number }[] = [];
    for (const _ of range(1, repetitions)) {
      const customer = await customerWithFixes(deps, fixes);
      const { apiKey } = customer;
      const startedMs = performance.now();
      const requests = await requestsOf(() =>
        withoutOutput(() =>
          Promise.all(customer.fixes.map(({ id }) => succeed(handler, { apiKey, params: { id } }))),
        ),
      );
      const milliseconds = performance.now() - startedMs;
      await assertAllBilled(deps, customer);
      const transactions = requests.filter((name) => name === 'TransactWriteItems').length;
      runs.push({ transactions, reads: requests.length - transactions, milliseconds });
    }
    crowds.push({
      fixes,
      repetitions,
      transactionsPerFix: mean(runs.map(({ transactions }) => transactions / fixes)),
      readsPerFix: mean(runs.map(({ reads }) => reads / fixes)),
      milliseconds: mean(runs.map(({ milliseconds }) => milliseconds)),
    });
  }
  return crowds;
}
