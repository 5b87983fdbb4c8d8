import { expect, it } from 'vitest';
import { billFixAttempt } from '../../../lib/operations/fixes/bill-fix-attempt.ts';
import { returnDoublePayment } from '../../../lib/operations/payments/return-double-payment.ts';
import { recordedFix } from '../../support/customers.ts';
import { customerWithCard, expectSoundMoney, openMoney } from '../../support/money.ts';
import { openTestTable } from '../../support/table.ts';

it('a payment that was not announced as a second one is never refunded', async () => {
  const money = await openMoney(await openTestTable());
  const { customerId } = await customerWithCard(money, 0);
  await billFixAttempt(money.deps, customerId, await recordedFix(money.deps, customerId, 1));
  const [payment] = money.double.state.paymentIntents.newestFirst;
  expect(payment).toMatchObject({ status: 'succeeded', amount: 2900 });

  await returnDoublePayment(money.deps, customerId, payment?.id ?? '');

  expect(money.double.state.refunds.newestFirst).toEqual([]);
  await expectSoundMoney(money, customerId);
});
