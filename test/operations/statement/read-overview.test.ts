import { beforeAll, describe, expect, it } from 'vitest';
import { disputeOpened } from '../../../lib/domain/notices/money-notices.ts';
import { NO_TRIES } from '../../../lib/domain/payments/card-tries.ts';
import { overviewKeys, readOverview } from '../../../lib/operations/statement/read-overview.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import { keys } from '../../../lib/store/keys.ts';
import { putNotice } from '../../../lib/store/notices.ts';
import { keepCardTries, readCardTries } from '../../../lib/store/payments/card-tries.ts';
import { putSoldPrice } from '../../../lib/store/payments/sold-prices.ts';
import { moveSpending } from '../../../lib/store/payments/spending.ts';
import { readTogether, writeTogether } from '../../../lib/store/table.ts';
import { customerWith } from '../../support/fixtures.ts';
import { putAll } from '../../support/history.ts';
import { setHead } from '../../support/set-head.ts';
import { openTestTable, testDeps } from '../../support/table.ts';

/* What the overview shows from the items that are read together with the session. */

const AT = new Date('2026-04-10T12:00:00.000Z');

let deps: PaymentDeps;
beforeAll(async () => {
  deps = testDeps(await openTestTable());
});

async function overviewOf(customerId: string) {
  const items = await readTogether(deps.table, overviewKeys(customerId, AT));
  return readOverview(deps.table, customerId, items, AT);
}

describe('the overview', () => {
  it('the spending of twelve months is shown, this month first', async () => {
    const { customerId } = (await customerWith(deps, 5)).head;
    const empty = await overviewOf(customerId);
    expect(empty.months.map(({ month }) => month)).toEqual([
      ...['2026-04', '2026-03', '2026-02', '2026-01', '2025-12', '2025-11'],
      ...['2025-10', '2025-09', '2025-08', '2025-07', '2025-06', '2025-05'],
    ]);
    expect(empty.spending).toBe(empty.months[0]);
    const spent = { spentCents: 2_900, committedCents: 0, awaitingCents: 0 };
    await writeTogether(deps.table, [
      ...moveSpending(customerId, '2026-04', spent),
      ...moveSpending(customerId, '2026-02', { ...spent, spentCents: 1_500 }),
    ]);
    expect((await overviewOf(customerId)).months.map(({ spentCents }) => spentCents)).toEqual([
      ...[2_900, 0, 1_500, 0, 0, 0],
      ...[0, 0, 0, 0, 0, 0],
    ]);
  });

  it('the tries of the card and the price of Pro are shown', async () => {
    const { customerId } = (await customerWith(deps, 5)).head;
    const price = { priceId: 'price_1', monthCents: 59_900, credits: 60 };
    await putSoldPrice(deps.table, 'pro', price, null);
    const cards = { card1: { ...NO_TRIES, lastCode: 'expired_card' } };
    const read = await readCardTries(deps.table, customerId);
    await writeTogether(deps.table, [keepCardTries(customerId, read, cards)]);
    const shown = await overviewOf(customerId);
    expect(shown.prices.get('pro')).toEqual(price);
    expect(shown.cards).toEqual(cards);
  });

  it('an open dispute has the amount of its letter, or none if the letter is gone or is not readable', async () => {
    const { customerId } = (await customerWith(deps, 5)).head;
    await setHead(deps.table, customerId, 'open_disputes', ['du_1', 'du_2', 'du_3']);
    const dispute = { id: 'du_1', amountCents: 2_900 };
    await writeTogether(deps.table, [putNotice(disputeOpened(customerId, dispute, AT))]);
    await putAll(deps.table, [{ ...keys.notice(customerId, 'dispute', 'du_3'), kind: 'unknown' }]);
    expect((await overviewOf(customerId)).disputes).toEqual([
      { id: 'du_1', amountCents: 2_900 },
      { id: 'du_2', amountCents: null },
      { id: 'du_3', amountCents: null },
    ]);
  });
});
