import { beforeEach, expect, it } from 'vitest';
import { billFixAttempt } from '../../../lib/operations/fixes/bill-fix-attempt.ts';
import { billWaiting } from '../../../lib/operations/fixes/bill-waiting.ts';
import { decodeFix } from '../../../lib/store/fix-attempts.ts';
import { keys } from '../../../lib/store/keys.ts';
import { readTogether } from '../../../lib/store/table.ts';
import { recordedFix } from '../../support/customers.ts';
import { customerWithCard, expectSoundMoney, type Money, openMoneyForFile } from '../../support/money.ts';

let money: Money;
beforeEach(async () => {
  const opened = await openMoneyForFile();
  ({ money } = opened);
  return opened.stop;
});

it('billing waiting fixes never charges more in total than the person agreed to', async () => {
  const { deps } = money;
  const { customerId } = await customerWithCard(money, 0);
  const ids = [await recordedFix(deps, customerId, 1), await recordedFix(deps, customerId, 2)];
  const read = async () =>
    (
      await readTogether(
        deps.table,
        ids.map((id) => keys.fix(customerId, id)),
      )
    ).flatMap((item) => (item === undefined ? [] : [decodeFix(item)]));
  const { results, left } = await billWaiting(deps, customerId, await read(), 2_900);
  expect(results.map(({ outcome }) => outcome.kind)).toEqual(['billed', 'costs_more']);
  expect(left).toEqual([]);
  // Nothing was announced for the second fix.
  expect((await read()).map(({ charge }) => charge?.amountCents)).toEqual([2_900, undefined]);
  await expectSoundMoney(money, customerId);
});

it('a fix that waits for its approval does not hold up the other waiting fixes', async () => {
  const { deps } = money;
  const { customerId } = await customerWithCard(money, 0, 'pm_card_authenticationRequired');
  const ids = [await recordedFix(deps, customerId, 1), await recordedFix(deps, customerId, 2)];
  await billFixAttempt(deps, customerId, ids[0] ?? '');
  const found = await readTogether(
    deps.table,
    ids.map((id) => keys.fix(customerId, id)),
  );
  const fixes = found.flatMap((item) => (item === undefined ? [] : [decodeFix(item)]));
  expect(fixes[0]?.charge?.state).toBe('action_required');
  const { results } = await billWaiting(deps, customerId, fixes, 2_900);
  // The second fix is asked about now, so the click ends with it.
  expect(results.map(({ outcome }) => outcome.kind)).toEqual(['action_required', 'action_required']);
});
