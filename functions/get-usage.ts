import { getUsageContract } from '../lib/http/contracts/account.ts';
import { customerEndpoint } from '../lib/http/endpoint.ts';
import { usageView } from '../lib/http/views/account.ts';
import { customerGone } from '../lib/operations/ledger/require-item.ts';
import { keys } from '../lib/store/keys.ts';
import { readHeadAndNewest } from '../lib/store/ledger.ts';
import { decodeCardTries } from '../lib/store/payments/card-tries.ts';
import { decodeSoldPrices, soldPriceKeys } from '../lib/store/payments/sold-prices.ts';

const RECENT = 10;

/** GET /api/v1/usage */
export const handler = customerEndpoint(
  getUsageContract,
  (customerId) => [keys.cardTries(customerId), ...soldPriceKeys()],
  async ({ table, now }, { customerId, items: [tries, ...sold] }) => {
    const account = (await readHeadAndNewest(table, customerId, RECENT)) ?? customerGone();
    const { cards } = decodeCardTries(tries);
    return { status: 200, body: usageView(account, { cards, prices: decodeSoldPrices(sold) }, now()) };
  },
);
