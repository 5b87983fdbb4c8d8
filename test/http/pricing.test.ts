import { afterEach, beforeAll, expect, it, vi } from 'vitest';
import { handler as settlePendingCharges } from '../../functions/settle-pending-charges.ts';
import { deliverNotice } from '../../lib/operations/notices/deliver-notice.ts';
import { warnLowBalances } from '../../lib/operations/notices/warn-low-balances.ts';
import { ensureProPrice } from '../../lib/stripe/setup/price.ts';
import { api, call } from '../support/http.ts';
import {
  atStripe,
  customerOutOfCredits,
  deliverAbout,
  proCustomer,
  serveMoney,
  usage,
} from '../support/http-money.ts';
import { expectSoundMoney, headOf, type Money } from '../support/money.ts';
import { allNoticesOf } from '../support/notices.ts';

/*
 * A price change and its rollback need only the parameter. Customers see the price that the next subscriber
 * pays.
 */

let money: Money;
beforeAll(async () => {
  const served = await serveMoney();
  money = served.money;
  return served.stop;
});
afterEach(() => void vi.useRealTimers());

/** Stores the price in the parameter, as an operator does. */
function sell(priceId: string): void {
  process.env['STRIPE_PRO_PRICE_ID'] = priceId;
  money.env['STRIPE_PRO_PRICE_ID'] = priceId;
}

let aheadMs = 0;
/** Runs the sweeper and waits a minute, because functions cache the price list for a minute. */
async function afterSweep(): Promise<void> {
  await settlePendingCharges({});
  aheadMs += 61_000;
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + aheadMs, shouldAdvanceTime: true });
}

/** The letter to a customer who just spent their last credit. */
async function letterTo(customerId: string): Promise<string> {
  await warnLowBalances(money.deps);
  const notice = (await allNoticesOf(money.deps.table, customerId)).find(
    ({ content }) => content.kind === 'exhausted' || content.kind === 'low_balance',
  );
  if (notice === undefined) throw new Error('no warning was written');
  let sent = '';
  const send = async ({ text }: { readonly text: string }) => {
    sent = text.replace(/\s+/g, ' ');
    return 'message';
  };
  const deps = {
    ...money.deps,
    mail: { send },
    appUrl: 'https://app.example',
    apiUrl: 'https://api.example',
  };
  await deliverNotice(deps, { customerId, kind: notice.content.kind, id: notice.id });
  return sent;
}

async function expectShown(monthCents: number, credits: number): Promise<void> {
  const { customerId, apiKey } = await customerOutOfCredits(money);
  const { status, headers, body } = await call(api.getPricing);
  expect([status, headers['cache-control']]).toEqual([200, 'public, max-age=60']);
  expect(body).toMatchObject({
    pro_month_cents: monthCents,
    credits: { pro_invoice: credits },
    plans: [{ plan: 'pro', month_cents: monthCents, credits }],
  });
  expect((await usage(apiKey))['pricing']).toEqual(body);
  expect(await letterTo(customerId)).toContain(
    `Pro includes ${credits} credits each month, for $${monthCents / 100}.00.`,
  );
}

/** Subscribes a new customer. Expects this price, and these credits on top of the ten free ones. */
async function expectSold(monthCents: number, credits: number): Promise<string> {
  const { customerId } = await proCustomer(money);
  const [invoice] = atStripe(money, customerId).invoices;
  const { balance } = await headOf(money.deps, customerId);
  expect([invoice?.total, balance]).toEqual([monthCents, 10 + credits]);
  return customerId;
}

it('after a price change from $599 to $649 and its rollback, the price list, /usage and letters show what the next subscriber pays', async () => {
  const customers = [await expectSold(59_900, 60), await expectSold(59_900, 60)];
  await expectShown(59_900, 60);

  const replacement = { plan: 'pro', monthCents: 64_900, credits: 65 } as const;
  sell((await ensureProPrice(money.stripe, { replacement })).price.id);
  await afterSweep();
  await expectShown(64_900, 65);
  customers.push(await expectSold(64_900, 65));

  sell(money.priceId);
  await afterSweep();
  await expectShown(59_900, 60);
  customers.push(await expectSold(59_900, 60));

  const balances: number[] = [];
  for (const customerId of customers) {
    await deliverAbout(money, customerId);
    await expectSoundMoney(money, customerId);
    balances.push((await headOf(money.deps, customerId)).balance);
  }
  expect(balances).toEqual([70, 70, 75, 70]);
});
