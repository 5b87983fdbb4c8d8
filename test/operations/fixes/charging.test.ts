import { beforeAll, describe, expect, it } from 'vitest';
import { BillingError } from '../../../lib/errors.ts';
import { addPaymentMethod } from '../../../lib/operations/accounts/add-payment-method.ts';
import { billFixAttempt } from '../../../lib/operations/fixes/bill-fix-attempt.ts';
import type { Table } from '../../../lib/store/table.ts';
import { recordedFix } from '../../support/customers.ts';
import { range } from '../../support/fixtures.ts';
import { customerWithCard, expectSoundMoney, headOf, type Money, openMoney } from '../../support/money.ts';
import { noticesOf } from '../../support/notices.ts';
import { openTestTable } from '../../support/table.ts';

let table: Table;
beforeAll(async () => {
  table = await openTestTable();
});

const succeeded = ({ double }: Money) =>
  double.state.paymentIntents.newestFirst.filter(({ status }) => status === 'succeeded');

const MAX_REQUESTS = 20;

/** Retries like a client while the card is busy with other payments. At most 15 can be in flight. */
async function billPatiently({ deps }: Money, customerId: string, fixId: string) {
  for (let requests = 1; ; requests++) {
    try {
      return await billFixAttempt(deps, customerId, fixId);
    } catch (error) {
      const isBusy = error instanceof BillingError && error.code === 'ledger_busy';
      if (!isBusy || requests === MAX_REQUESTS) throw error;
    }
  }
}

describe('50 fixes at once for a customer with 10 credits', () => {
  it('50 fixes at once with 10 credits and a card: 10 are consumed, 40 are charged once each', async () => {
    const money = await openMoney(table);
    const { customerId } = await customerWithCard(money, 10);
    const fixes = await Promise.all(range(1, 50).map((pr) => recordedFix(money.deps, customerId, pr)));
    const outcomes = await Promise.all(fixes.map((fix) => billPatiently(money, customerId, fix)));
    const how = outcomes.map((one) => (one.kind === 'billed' ? one.billed.outcome : one.kind));
    expect(how.filter((one) => one === 'credit_consumed')).toHaveLength(10);
    expect(how.filter((one) => one === 'charged_and_consumed')).toHaveLength(40);
    expect(succeeded(money)).toHaveLength(40);
    await expectSoundMoney(money, customerId);
  });

  it('50 fixes at once with 10 credits and a declining card: 10 are consumed, 40 refused, with at most 15 tries of the card and one letter', async () => {
    const money = await openMoney(table);
    const { customerId } = await customerWithCard(money, 10, 'pm_card_chargeCustomerFail');
    const fixes = await Promise.all(range(1, 50).map((pr) => recordedFix(money.deps, customerId, pr)));
    const outcomes = await Promise.all(fixes.map((fix) => billFixAttempt(money.deps, customerId, fix)));
    const declined = outcomes.filter(({ kind }) => kind === 'declined');
    expect(declined.length).toBeGreaterThan(0);
    expect(declined.length + outcomes.filter(({ kind }) => kind === 'not_tried').length).toBe(40);
    for (const one of declined) expect(one).toMatchObject({ decline: { declineCode: 'generic_decline' } });
    expect(money.double.state.paymentIntents.newestFirst.length).toBeLessThanOrEqual(15);
    const letters = await noticesOf(money.deps, customerId);
    expect(letters.filter(({ content }) => content.kind === 'card_declined')).toHaveLength(1);
    const { entries } = await expectSoundMoney(money, customerId);
    expect(entries.filter(({ source }) => source === 'fix_deployed')).toHaveLength(10);
    expect(entries.filter(({ source }) => source === 'purchased')).toHaveLength(0);

    await addPaymentMethod(money.deps, await headOf(money.deps, customerId), 'pm_card_mastercard');
    const { balance } = await headOf(money.deps, customerId);
    const again = await Promise.all(fixes.map((fix) => billPatiently(money, customerId, fix)));
    expect(again.every(({ kind }) => kind === 'billed')).toBe(true);
    expect(succeeded(money)).toHaveLength(40 - balance);
    await expectSoundMoney(money, customerId);
  });
});
