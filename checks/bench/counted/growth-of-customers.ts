import { adjustCredits } from '../../../lib/operations/ledger/adjust-credits.ts';
import { customerWith } from '../../../test/support/fixtures.ts';
import { writeHeads } from '../../../test/support/history.ts';
import { customerWithFixes } from '../customers.ts';
import { succeed } from '../requests.ts';
import { withoutOutput } from '../setting.ts';
import { manyTimes, pointOf, type Reach } from './growth.ts';
import type { Point, Series } from './results.ts';
import type { Scene } from './scene.ts';

const CREDITS = 20;
/** After one more fix the customer is warned. */
const ABOVE_THRESHOLD = 6;
/** Low balances in each run while the number of customers grows. */
const LOW = 10;

/** The cost of calls and of a run of the warnings, by the number of customers and of low balances. */
export async function growthOfCustomers(
  scene: Scene,
  { customers, low }: Pick<Reach, 'customers' | 'low'>,
  progress: (what: string) => void,
): Promise<Series[]> {
  const { deps } = scene.money;
  const [{ handler: settings }, { handler: bill }, { handler: warn }] = await Promise.all([
    import('../../../functions/get-notice-settings.ts'),
    import('../../../functions/bill-fix-attempt.ts'),
    import('../../../functions/warn-low-balances.ts'),
  ]);

  /** First warns all customers who are still low, so the measured run warns exactly `lowOnes`. */
  const warning = async (count: number, lowOnes: number): Promise<Point> => {
    await withoutOutput(warn);
    await manyTimes(lowOnes, () => becomeLow(scene));
    return pointOf(scene, count, async () => {
      const { warned } = await warn();
      if (warned !== lowOnes) throw new Error(`${warned} of ${lowOnes} were warned`);
    });
  };

  const { head: like } = await customerWith(deps, CREDITS);
  const points: Record<'signIn' | 'billing' | 'sweep' | 'low', Point[]> = {
    signIn: [],
    billing: [],
    sweep: [],
    low: [],
  };
  for (const count of customers) {
    progress(`growth: ${count.toLocaleString('en')} customers`);
    // Ids are numbers from 0, so this overwrites the heads of the previous step.
    await writeHeads(deps.table, like, count);
    const { apiKey, fixes } = await customerWithFixes(deps, CREDITS);
    const params = { id: fixes[0]?.id ?? '' };
    points.signIn.push(await pointOf(scene, count, () => succeed(settings, { apiKey })));
    points.billing.push(await pointOf(scene, count, () => succeed(bill, { apiKey, params })));
    points.sweep.push(await warning(count, LOW));
  }
  for (const count of low) {
    progress(`growth: ${count.toLocaleString('en')} customers with a low balance`);
    points.low.push(await warning(count, count));
  }
  const flat = (what: string, its: Point[]): Series => ({
    what,
    against: 'customers',
    designed: 'flat',
    points: its,
  });
  return [
    flat('authenticate a key', points.signIn),
    flat('bill a fix from credits', points.billing),
    flat(`a run of the warnings, ${LOW} low balances`, points.sweep),
    {
      what: 'a run of the warnings',
      against: 'customers with a low balance',
      designed: 'linear',
      points: points.low,
    },
  ];
}

async function becomeLow({ money: { deps } }: Scene): Promise<void> {
  const { head } = await customerWith(deps, ABOVE_THRESHOLD);
  const spent = { amount: -1, reason: 'bench', actor: 'bench', idempotencyKey: 'spent' };
  await adjustCredits(deps, head.customerId, spent);
}
