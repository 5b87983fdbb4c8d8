import { expect, it } from 'vitest';
import { balanceWarning } from '../../lib/domain/notice.ts';
import { SOLD_PLANS } from '../../lib/domain/plans.ts';
import { accountWarnings } from '../../lib/domain/warnings.ts';
import { getPricingContract, PricingView } from '../../lib/http/contracts/account.ts';
import { subscribeContract } from '../../lib/http/contracts/payments.ts';
import { pricingView, subscriptionView } from '../../lib/http/views/account.ts';
import { letterOf } from '../../lib/mail/letters.ts';
import { billFixAttempt } from '../../lib/operations/fixes/bill-fix-attempt.ts';
import { adjustCredits } from '../../lib/operations/ledger/adjust-credits.ts';
import { refreshSoldPrices } from '../../lib/operations/plans/refresh-sold-prices.ts';
import { subscribeToPro } from '../../lib/operations/plans/subscribe-to-pro.ts';
import { readSoldPrices } from '../../lib/store/payments/sold-prices.ts';
import { ensureProPrice } from '../../lib/stripe/setup/price.ts';
import { recordedFix } from '../../test/support/customers.ts';
import { NOTHING_SPENT } from '../../test/support/heads.ts';
import { SENDING } from '../../test/support/letters.ts';
import { customerWithCard, expectSoundMoney, headOf, openMoney } from '../../test/support/money.ts';
import { openTestTable } from '../../test/support/table.ts';

const MONTH_CENTS = 149_900;
const CREDITS = 200;
const FIX_CENTS = 1_200;

it('a second plan in the table works through sign-up, renewal, overage, letters, usage and audit', async () => {
  const team = SOLD_PLANS.find((plan) => String(plan) === 'team');
  if (team === undefined) throw new Error('the table has no second plan');
  const money = await openMoney(await openTestTable());
  const { customerId } = await customerWithCard(money, 0);

  // Sign-up.
  expect(subscribeContract.body.parse({ plan: 'team' })).toEqual({ plan: 'team' });
  const { created, head } = await subscribeToPro(money.deps, customerId, null, team);
  expect([created, head.balance, head.subscriptionType]).toEqual([true, CREDITS, 'team']);
  expect(money.double.state.invoices.newestFirst[0]).toMatchObject({ status: 'paid', total: MONTH_CENTS });
  await money.deliver();
  await expectSoundMoney(money, customerId);

  // Renewal.
  await money.days(32);
  await money.deliver();
  await expectSoundMoney(money, customerId);
  const renewed = await headOf(money.deps, customerId);
  expect([renewed.balance, renewed.subscriptionType]).toEqual([2 * CREDITS, 'team']);

  // Overage, after its letter and warning.
  const spent = { amount: -2 * CREDITS, reason: 'test', actor: 'tests', idempotencyKey: 'spent' };
  await adjustCredits(money.deps, customerId, spent);
  const empty = await headOf(money.deps, customerId);
  const at = money.deps.now();
  await refreshSoldPrices(money.deps);
  const prices = await readSoldPrices(money.deps.table);
  const notice = balanceWarning(empty, {}, NOTHING_SPENT, at);
  if (notice === null) throw new Error('no warning');
  expect(JSON.stringify(letterOf(notice, prices, SENDING))).toContain('$12.00');
  expect(JSON.stringify(accountWarnings(empty, {}, NOTHING_SPENT, at))).toContain('$12.00');
  const billed = await billFixAttempt(money.deps, customerId, await recordedFix(money.deps, customerId, 1));
  expect(billed).toMatchObject({ kind: 'billed', billed: { amountCents: FIX_CENTS } });

  // Usage and price list.
  expect(subscriptionView(empty, at).subscription_type).toBe('team');
  const pricing = pricingView(prices);
  expect(pricing.fix_price_cents).toMatchObject({ pay_as_you_go: 2_900, pro: 1_500, team: FIX_CENTS });
  expect(pricing.plans).toContainEqual({
    plan: 'team',
    name: 'Team',
    month_cents: MONTH_CENTS,
    credits: CREDITS,
    fix_price_cents: FIX_CENTS,
  });
  expect(PricingView.safeParse(pricing).success && getPricingContract.operationId).toBe('getPricing');

  // A price change: the new price has the lookup key. Pro and existing subscribers keep their prices.
  const replacement = { plan: team, monthCents: 159_900, credits: 210 };
  await ensureProPrice(money.stripe, { replacement });
  await refreshSoldPrices(money.deps);
  const changed = pricingView(await readSoldPrices(money.deps.table));
  expect(changed.plans).toContainEqual(expect.objectContaining({ month_cents: 159_900, credits: 210 }));
  expect(changed).toMatchObject({ pro_month_cents: 59_900, credits: { pro_invoice: 60 } });
  const next = await customerWithCard(money, 0);
  expect((await subscribeToPro(money.deps, next.customerId, null, team)).head.balance).toBe(210);
  expect(money.double.state.invoices.newestFirst[0]).toMatchObject({ status: 'paid', total: 159_900 });

  // Audit.
  await money.deliver();
  for (const one of [customerId, next.customerId]) await expectSoundMoney(money, one);
});
