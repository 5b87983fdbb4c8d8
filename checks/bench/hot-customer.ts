import { range } from '../../test/support/fixtures.ts';
import { assertAllBilled, customerWithFixes } from './customers.ts';
import type { Effort } from './effort.ts';
import { requestsOf, succeed } from './requests.ts';
import { type Setting, withoutOutput } from './setting.ts';
import { mean } from './statistics.ts';

export interface Crowd {
  /** Billed concurrently, all for one customer. */
  readonly fixes: number;
  readonly repetitions: number;
  /** The following are means over the repetitions. */
  readonly transactionsPerFix: number;
  readonly readsPerFix: number;
  readonly milliseconds: number;
}

/**
 * Bills many fixes of one customer concurrently through the handler, with one credit for each.
 * @throws Error when a fix fails, or the ledger is not exactly right afterwards
 */
export async function measureHotCustomer(
  { deps }: Setting,
  { crowds: wanted }: Pick<Effort, 'crowds'>,
  progress: (what: string) => void,
): Promise<Crowd[]> {
  const { handler } = await import('../../functions/bill-fix-attempt.ts');
  const crowds: Crowd[] = [];
  for (const { fixes, repetitions } of wanted) {
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
