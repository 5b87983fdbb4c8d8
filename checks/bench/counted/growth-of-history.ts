import { writeHistory } from '../../../test/support/history.ts';
import { customerWithFixes } from '../customers.ts';
import { succeed } from '../requests.ts';
import { pointOf, type Reach } from './growth.ts';
import type { Point, Series } from './results.ts';
import type { Scene } from './scene.ts';

/** Well above the warning threshold, so no fix crosses it. */
const CREDITS = 20;
/** The size of the shortest history. */
const PAGE = '10';

/** The cost of a customer's calls, by the length of the history. */
export async function growthOfHistory(
  scene: Scene,
  { history }: Pick<Reach, 'history'>,
  progress: (what: string) => void,
): Promise<Series[]> {
  const { deps } = scene.money;
  const [{ handler: usage }, { handler: statement }, { handler: bill }] = await Promise.all([
    import('../../../functions/get-usage.ts'),
    import('../../../functions/list-transactions.ts'),
    import('../../../functions/bill-fix-attempt.ts'),
  ]);
  const points: Record<'usage' | 'page' | 'billing' | 'again', Point[]> = {
    usage: [],
    page: [],
    billing: [],
    again: [],
  };
  for (const entries of history) {
    progress(`growth: a history of ${entries.toLocaleString('en')} entries`);
    const { apiKey, head, fixes } = await customerWithFixes(deps, CREDITS);
    await writeHistory(deps, head.customerId, entries - head.seq);
    const params = { id: fixes[0]?.id ?? '' };
    const measure = (work: () => Promise<unknown>) => pointOf(scene, entries, work);
    points.usage.push(await measure(() => succeed(usage, { apiKey })));
    points.page.push(await measure(() => succeed(statement, { apiKey, query: { limit: PAGE } })));
    points.billing.push(await measure(() => succeed(bill, { apiKey, params })));
    points.again.push(await measure(() => succeed(bill, { apiKey, params })));
  }
  const series = (what: string, its: Point[]): Series => ({
    what,
    against: 'entries of history',
    designed: 'flat',
    points: its,
  });
  return [
    series('usage', points.usage),
    series('a page of 10 of the statement', points.page),
    series('bill a fix from credits', points.billing),
    series('bill it again', points.again),
  ];
}
