import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { billFixAttempt } from '../../../lib/operations/fixes/bill-fix-attempt.ts';
import { adjustCredits } from '../../../lib/operations/ledger/adjust-credits.ts';
import { sendReminders } from '../../../lib/operations/notices/send-reminders.ts';
import { warnLowBalances } from '../../../lib/operations/notices/warn-low-balances.ts';
import type { BusinessEvent } from '../../../lib/runtime/business-events.ts';
import type { Deps, PaymentDeps } from '../../../lib/runtime/deps.ts';
import { keys } from '../../../lib/store/keys.ts';
import { scheduleNotice } from '../../../lib/store/notices.ts';
import { keepCardTries } from '../../../lib/store/payments/card-tries.ts';
import { spendingKey } from '../../../lib/store/payments/spending.ts';
import { writeTogether } from '../../../lib/store/table.ts';
import { markClosed, recordedFix } from '../../support/customers.ts';
import { customerWith, range } from '../../support/fixtures.ts';
import { writeHeads } from '../../support/history.ts';
import { allNoticesOf, noticeContentsOf } from '../../support/notices.ts';
import { remove, tamper } from '../../support/reconciliation.ts';
import { setHead } from '../../support/set-head.ts';
import { beforeTableCall, countingCalls, dyingAfter, openTestTable, testDeps } from '../../support/table.ts';

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
  let own: PaymentDeps;
  let reported: BusinessEvent[];
  beforeEach(async () => {
    reported = [];
    own = testDeps(await openTestTable(), { report: (event) => reported.push(event) });
  });

  /** Schedules a reminder of a card that expires this month. */
  const due = async (customerId: string, id: string, sendAt = own.now()) => {
    const lastDay = own.now().toISOString();
    const content = { kind: 'card_expiring', lastDay } as const;
    await writeTogether(own.table, [scheduleNotice({ customerId, id, createdAt: lastDay, content }, sendAt)]);
  };

  /** A customer whose card expires this month, with a due reminder of it. */
  async function reminded() {
    const { customerId } = (await customerWith(own, 20)).head;
    const month = own.now().toISOString().slice(0, 7);
    await setHead(own.table, customerId, 'payment_method_id', 'pm_1');
    await setHead(own.table, customerId, 'card_expires', month);
    const id = `pm_1-${month}`;
    await due(customerId, id);
    return { customerId, id, key: keys.notice(customerId, 'card_expiring', id) };
  }

  const statesOf = async (customerId: string) => {
    const all = await allNoticesOf(own.table, customerId);
    const reminders = all.filter(({ content }) => content.kind === 'card_expiring');
    return Object.fromEntries(reminders.map(({ id, state }) => [id, state]));
  };

  it('a reminder whose time has come is sent if its reason holds, and dropped if it does not', async () => {
    const { customerId, id } = await reminded();
    await due(customerId, 'replaced');
    await due(customerId, 'later', new Date(own.now().getTime() + 60_000));
    expect(await warnLowBalances(own)).toEqual({ warned: 1, failed: [] });
    expect(await warnLowBalances(own)).toEqual({ warned: 0, failed: [] });
    expect(await statesOf(customerId)).toEqual({ [id]: 'pending', replaced: 'muted', later: 'scheduled' });
  });

  it('a reminder of a customer who was removed is dropped', async () => {
    const { customerId, id } = await reminded();
    const table = beforeTableCall(own.table, 'BatchGet', () => remove(own, keys.head(customerId)));
    expect(await warnLowBalances({ ...own, table })).toEqual({ warned: 0, failed: [] });
    expect(await statesOf(customerId)).toEqual({ [id]: 'muted' });
  });

  it('a reminder that was deleted or sent since the list was read is left alone', async () => {
    const gone = await reminded();
    await reminded();
    let others = 0;
    const table = beforeTableCall(own.table, 'BatchGet', async () => {
      await remove(own, gone.key);
      others += (await warnLowBalances(own)).warned;
    });
    const run = await countingCalls(table, () => warnLowBalances({ ...own, table }));
    expect([run.result, others]).toEqual([{ warned: 0, failed: [] }, 1]);
    expect(run.calls).not.toContain('TransactWriteItems');
  });

  it('a reminder is counted only by the run that sent it', async () => {
    await reminded();
    let others = 0;
    const table = beforeTableCall(own.table, 'TransactWrite', async () => {
      others += (await warnLowBalances(own)).warned;
    });
    expect(await warnLowBalances({ ...own, table })).toEqual({ warned: 0, failed: [] });
    expect(others).toBe(1);
  });

  it('a reminder is sent although the head of another customer is unreadable, and the run reports both', async () => {
    const [broken, sound] = [await reminded(), await reminded()];
    await setHead(own.table, broken.customerId, 'balance_level', 'nonsense');
    const failure = { customerId: broken.customerId, error: expect.any(Error) };
    reported = [];
    expect(await warnLowBalances(own)).toEqual({ warned: 1, failed: [failure] });
    expect(await statesOf(sound.customerId)).toEqual({ [sound.id]: 'pending' });
    expect(reported).toEqual([
      { kind: 'customer_not_warned', ...failure },
      { kind: 'balances_warned', warned: 1, failed: 1 },
    ]);
  });

  it('reminders of every page are handled in one run, and none once its time is over', async () => {
    const { customerId } = (await customerWith(own, 20)).head;
    for (const n of range(1, 60)) await due(customerId, `pm_${n}`);
    const late = await countingCalls(own.table, () => sendReminders(own, () => true));
    expect(late).toEqual({ result: { warned: 0, failed: [] }, calls: ['Query', 'BatchGetItem'] });
    expect(await sendReminders(own, () => false)).toEqual({ warned: 0, failed: [] });
    expect(Object.values(await statesOf(customerId))).toEqual(range(1, 60).map(() => 'muted'));
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
    const reported: BusinessEvent[] = [];
    const own = testDeps(await openTestTable(), { report: (event) => reported.push(event) });
    const those = await Promise.all(range(1, 3).map(() => customerWith(own, 6)));
    for (const { head } of those) await spend(head.customerId, 1, own);
    const broken = those[0]?.head.customerId ?? '';
    await tamper(own, keys.head(broken), 'balance_level', 'nonsense');
    const failure = { customerId: broken, error: expect.any(Error) };
    reported.length = 0;
    expect(await warnLowBalances(own)).toEqual({ warned: 2, failed: [failure] });
    expect(reported).toEqual([
      { kind: 'customer_not_warned', ...failure },
      { kind: 'balances_warned', warned: 2, failed: 1 },
    ]);
  });

  it('a customer who is removed after the list was read does not fail the run', async () => {
    const own = await alone();
    const { customerId } = (await customerWith(own, 6)).head;
    await spend(customerId, 1, own);
    const table = beforeTableCall(own.table, 'BatchGet', () => remove(own, keys.head(customerId)));
    expect(await warnLowBalances({ ...own, table })).toEqual({ warned: 0, failed: [] });
  });

  it("each warning of a run says what the customer's own card and limit allow", async () => {
    const own = await alone();
    const customers = await Promise.all(range(1, 3).map(() => customerWith(own, 6)));
    const [overLimit = '', declined = '', payer = ''] = customers.map(({ head }) => head.customerId);
    for (const customerId of [overLimit, declined, payer]) {
      await spend(customerId, 1, own);
      await setHead(own.table, customerId, 'payment_method_id', 'pm_1');
      await setHead(own.table, customerId, 'card_key', 'card_1');
      await setHead(own.table, customerId, 'spending_limit_cents', 3_000);
    }
    await tamper(own, spendingKey(overLimit, own.now()), 'committed_cents', 2_900);
    const refused = { declines: [], underWay: [], lastCode: 'lost_card', letterDay: null };
    const cards = { card_1: { ...refused, isHard: true, isWaitSkipped: false } };
    await writeTogether(own.table, [keepCardTries(declined, { version: 0, cards: {} }, cards)]);
    expect(await warnLowBalances(own)).toEqual({ warned: 3, failed: [] });
    for (const customerId of [overLimit, declined, payer]) {
      const isOverLimit = customerId === overLimit;
      const isDeclined = customerId === declined;
      expect(await warnings(customerId, own)).toMatchObject([{ isOverLimit, isDeclined }]);
    }
  });

  it('a run that has used its time reads no further page, and the next run warns the others', async () => {
    const at = new Date();
    let now = at;
    const own = testDeps(await openTestTable(), { now: () => now });
    for (const { head } of await Promise.all(range(1, 40).map(() => customerWith(own, 6))))
      await spend(head.customerId, 1, own);
    const table = beforeTableCall(own.table, 'TransactWrite', async () => {
      now = new Date(at.getTime() + 180_001);
    });
    const { result, calls } = await countingCalls(table, () => warnLowBalances({ ...own, table }));
    expect(result.warned).toBeLessThan(33);
    // One page of customers, and one of reminders.
    expect(calls.filter((call) => call === 'Query')).toHaveLength(2);
    expect((await warnLowBalances(own)).warned).toBe(40 - result.warned);
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
