import { beforeAll, describe, expect, it } from 'vitest';
import { billFixAttempt } from '../../../lib/operations/fixes/bill-fix-attempt.ts';
import { cancelSubscription } from '../../../lib/operations/plans/cancel-subscription.ts';
import { subscribeToPro } from '../../../lib/operations/plans/subscribe-to-pro.ts';
import type { Table } from '../../../lib/store/table.ts';
import { withoutUndefined } from '../../../local/stripe-double/params.ts';
import { SWITCH_NAMES, SWITCHES, switchesSchema } from '../../../local/stripe-double/switches.ts';
import { recordedFix } from '../../support/customers.ts';
import { customerWithCard, expectSoundMoney, openMoney } from '../../support/money.ts';
import { openTestTable } from '../../support/table.ts';

/* Facts that Stripe's documentation leaves open. The service works either way. Other tests run with the defaults. */

let table: Table;
beforeAll(async () => {
  table = await openTestTable();
});

const FACTS = SWITCH_NAMES.flatMap((name) => {
  const { values, default: usual } = SWITCHES[name];
  return values.filter((value) => value !== usual).map((value) => [name, value] as const);
});

describe.each(FACTS)('with %s = %s', (name, value) => {
  it('a fix is charged, Pro is bought and cancelled, and an inquiry that escalates stops further charges', async () => {
    const money = await openMoney(table);
    const { state } = money.double;
    state.switches = { ...state.switches, ...withoutUndefined(switchesSchema.parse({ [name]: value })) };
    const { customerId } = await customerWithCard(money, 0);
    const fix = await recordedFix(money.deps, customerId, 1);
    expect(await billFixAttempt(money.deps, customerId, fix)).toMatchObject({ kind: 'billed' });
    const { head } = await subscribeToPro(money.deps, customerId, null);
    expect(head).toMatchObject({ balance: 60, subscriptionType: 'pro' });
    expect((await cancelSubscription(money.deps, customerId, true)).subscription?.cancelAtPeriodEnd).toBe(
      true,
    );
    await money.deliver();

    const [charge] = state.charges.newestFirst;
    await money.control(`charges/${charge?.id}/dispute`, { reason: 'fraudulent', inquiry: true });
    const [inquiry] = state.disputes.newestFirst;
    await money.control(`disputes/${inquiry?.id}/escalate`, {});
    await money.deliver();
    expect((await expectSoundMoney(money, customerId)).head.openDisputes).toHaveLength(1);
  });
});
