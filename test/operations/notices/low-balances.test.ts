import { beforeAll, describe, expect, it } from 'vitest';
import { billFixAttempt } from '../../../lib/operations/fixes/bill-fix-attempt.ts';
import { adjustCredits } from '../../../lib/operations/ledger/adjust-credits.ts';
import { warnLowBalances } from '../../../lib/operations/notices/warn-low-balances.ts';
import type { Deps, PaymentDeps } from '../../../lib/runtime/deps.ts';
import { keys } from '../../../lib/store/keys.ts';
import { scheduleNotice } from '../../../lib/store/notices.ts';
import { writeTogether } from '../../../lib/store/table.ts';
import { markClosed, recordedFix } from '../../support/customers.ts';
import { customerWith, range } from '../../support/fixtures.ts';
import { writeHeads } from '../../support/history.ts';
import { allNoticesOf, noticeContentsOf } from '../../support/notices.ts';
import { tamper } from '../../support/reconciliation.ts';
import { countingCalls, dyingAfter, openTestTable, testDeps } from '../../support/table.ts';

/** A separate table, so that no other customer has a low balance. */
async function alone(): Promise<PaymentDeps> {
  return testDeps(await openTestTable());
}

let deps: PaymentDeps;
beforeAll(async () => {
  deps = await alone();
});

let pr = 0;
let adjustments = 0;

async function spend(customerId: string, credits: number, by = deps): Promise<void> {
  for (let n = 0; n < credits; n++) {
    pr += 1;
    expect(await billFixAttempt(by, customerId, await recordedFix(by, customerId, pr))).toMatchObject({
      kind: 'billed',
    });
  }
}

function give(customerId: string, amount: number): Promise<unknown> {
  adjustments += 1;
  const idempotencyKey = `test-${adjustments}`;
  return adjustCredits(deps, customerId, { amount, reason: 'test', actor: 'tests', idempotencyKey });
}

const warnings = (customerId: string, by: Deps = deps) =>
  noticeContentsOf(by, customerId, 'low_balance', 'exhausted');

describe('a customer whose balance goes down', () => {
  it('a falling balance is warned about once at 5, not at 4 to 1, once at 0, and again after the next grant and crossing', async () => {
    const { head } = await customerWith(deps, 7);
    const { customerId } = head;
    const kinds: string[][] = [];
    const step = async (change: () => Promise<unknown>) => {
      await change();
      await warnLowBalances(deps);
      kinds.push((await warnings(customerId)).map(({ kind }) => kind));
    };
    await step(() => spend(customerId, 1)); // 6
    await step(() => spend(customerId, 1)); // 5
    for (let n = 0; n < 4; n++) await step(() => spend(customerId, 1)); // 4, 3, 2, 1
    await step(() => spend(customerId, 1)); // 0
    await step(() => give(customerId, 7)); // 7
    await step(() => spend(customerId, 1)); // 6
    await step(() => spend(customerId, 1)); // 5
    const [low, both, again] = [
      ['low_balance'],
      ['low_balance', 'exhausted'],
      ['low_balance', 'exhausted', 'low_balance'],
    ];
    expect(kinds).toEqual([[], low, low, low, low, low, both, both, both, again]);
    expect((await warnings(customerId))[0]).toEqual({
      kind: 'low_balance',
      credits: 5,
      hasCard: false,
      isDisputed: false,
      isDeclined: false,
      isOverLimit: false,
      rate: 'pay_as_you_go',
    });
  });

  it('a customer is not warned about a balance that a grant restored before the run', async () => {
    const { head } = await customerWith(deps, 6);
    await spend(head.customerId, 6);
    await give(head.customerId, 1);
    await warnLowBalances(deps);
    expect(await warnings(head.customerId)).toEqual([]);
  });

  it('a customer who crosses both thresholds at once gets only the lower warning', async () => {
    const { head } = await customerWith(deps, 6);
    await give(head.customerId, -6);
    await warnLowBalances(deps);
    expect(await warnings(head.customerId)).toMatchObject([{ kind: 'exhausted' }]);
  });

  it('spending leads to a warning, a small grant does not', async () => {
    const { head } = await customerWith(deps, 5);
    await warnLowBalances(deps);
    expect(await warnings(head.customerId)).toEqual([]);
    await spend(head.customerId, 1);
    await warnLowBalances(deps);
    expect(await warnings(head.customerId)).toMatchObject([{ kind: 'low_balance', credits: 4 }]);
  });

  it('a closed account is not warned and does not stay due', async () => {
    const { head } = await customerWith(deps, 6);
    await spend(head.customerId, 1);
    await markClosed(deps, head.customerId);
    expect(await warnLowBalances(deps)).toEqual({ warned: 0, failed: [] });
    expect(await warnings(head.customerId)).toEqual([]);
    const { calls } = await countingCalls(deps.table, () => warnLowBalances(deps));
    expect(calls).toEqual(['Query', 'Query']);
  });
});

describe('reminders', () => {
  it('a reminder whose time has come is sent if its reason holds, and dropped if it does not', async () => {
    const own = await alone();
    const { customerId } = (await customerWith(own, 20)).head;
    const at = own.now();
    const lastDay = at.toISOString();
    const month = lastDay.slice(0, 7);
    const due = async (id: string, sendAt: Date) => {
      const content = { kind: 'card_expiring', lastDay } as const;
      const notice = { customerId, id, createdAt: lastDay, content };
      await writeTogether(own.table, [scheduleNotice(notice, sendAt)]);
    };
    await tamper(own, keys.head(customerId), 'payment_method_id', 'pm_1');
    await tamper(own, keys.head(customerId), 'card_expires', month);
    await due(`pm_1-${month}`, at);
    await due(`pm_0-${month}`, at);
    await due('later', new Date(at.getTime() + 60_000));
    expect(await warnLowBalances(own)).toEqual({ warned: 1, failed: [] });
    expect(await warnLowBalances(own)).toEqual({ warned: 0, failed: [] });
    const all = await allNoticesOf(own.table, customerId);
    const states = all.filter(({ content }) => content.kind === 'card_expiring');
    expect(Object.fromEntries(states.map(({ id, state }) => [id, state]))).toEqual({
      [`pm_1-${month}`]: 'pending',
      [`pm_0-${month}`]: 'muted',
      later: 'scheduled',
    });
  });
});

describe('the schedule that warns', () => {
  it('two concurrent runs send one warning', async () => {
    const those = await Promise.all(range(1, 10).map(() => customerWith(deps, 6)));
    for (const { head } of those) await spend(head.customerId, 1);
    const runs = await Promise.all(range(1, 4).map(() => warnLowBalances(deps)));
    expect(runs.reduce((sum, { warned }) => sum + warned, 0)).toBe(10);
    for (const { head } of those) expect(await warnings(head.customerId)).toHaveLength(1);
  });

  it('a run that was killed continues, and warns no customer twice', async () => {
    const those = await Promise.all(range(1, 12).map(() => customerWith(deps, 6)));
    for (const { head } of those) await spend(head.customerId, 1);
    await dyingAfter(deps.table, 5, 'TransactWrite', () => warnLowBalances(deps));
    const before = await Promise.all(those.map(({ head }) => warnings(head.customerId)));
    expect(before.flat()).toHaveLength(5);
    await warnLowBalances(deps);
    for (const { head } of those) expect(await warnings(head.customerId)).toHaveLength(1);
  });

  it('a run warns the others if one head is unreadable, and reports that customer', async () => {
    const own = await alone();
    const those = await Promise.all(range(1, 3).map(() => customerWith(own, 6)));
    for (const { head } of those) await spend(head.customerId, 1, own);
    const broken = those[0]?.head.customerId ?? '';
    await tamper(own, keys.head(broken), 'balance_level', 'nonsense');
    expect(await warnLowBalances(own)).toEqual({
      warned: 2,
      failed: [{ customerId: broken, error: expect.any(Error) }],
    });
  });

  it('a run costs the same for 10 low balances among 100 and among 5,000 customers', async () => {
    const costs = await Promise.all([90, 4_990].map(costAmong));
    expect(costs[0]).toEqual(costs[1]);
    console.log(`10 who are low: ${JSON.stringify(costs[0])} among 100 and among 5,000`);
  });
});

/** The calls of one run with 10 low customers and `others` other customers. */
async function costAmong(others: number): Promise<Record<string, number>> {
  const own = await alone();
  const { head: like } = await customerWith(own, 50);
  await writeHeads(own.table, like, others - 1);
  const low = await Promise.all(range(1, 10).map(() => customerWith(own, 6)));
  for (const { head } of low) await spend(head.customerId, 1, own);
  const { result, calls } = await countingCalls(own.table, () => warnLowBalances(own));
  expect(result.warned).toBe(10);
  const counts: Record<string, number> = {};
  for (const call of calls) counts[call] = (counts[call] ?? 0) + 1;
  return counts;
}
