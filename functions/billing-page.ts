import { monthOf } from '../lib/domain/payments/spending.ts';
import { overviewPage } from '../lib/http/pages/overview.ts';
import { customerPage, routed } from '../lib/http/pages/page-endpoint.ts';
import { customerGone } from '../lib/operations/ledger/require-item.ts';
import { keys } from '../lib/store/keys.ts';
import { readHeadAndNewest } from '../lib/store/ledger.ts';
import { decodeCardTries } from '../lib/store/payments/card-tries.ts';
import { decodeSoldPrices, soldPriceKeys } from '../lib/store/payments/sold-prices.ts';
import { decodeSpending, spendingKey } from '../lib/store/payments/spending.ts';

const RECENT = 10;

/** GET /billing */
export const handler = routed({
  'GET /billing': (route) =>
    customerPage(
      route,
      (customerId, at) => [keys.cardTries(customerId), spendingKey(customerId, at), ...soldPriceKeys()],
      async ({ table }, { customerId, formToken, items: [tries, spent, ...sold], at }) => {
        const account = (await readHeadAndNewest(table, customerId, RECENT)) ?? customerGone();
        const { cards } = decodeCardTries(tries);
        const spending = decodeSpending(spent, monthOf(at));
        return overviewPage(account, { cards, spending, prices: decodeSoldPrices(sold) }, formToken, at);
      },
    ),
});
