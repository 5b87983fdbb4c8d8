import { monthOf } from '../lib/domain/payments/spending.ts';
import { getUsageContract } from '../lib/http/contracts/account.ts';
import { customerEndpoint } from '../lib/http/endpoint.ts';
import { usageView } from '../lib/http/views/account.ts';
import { customerGone } from '../lib/operations/ledger/require-item.ts';
import { keys } from '../lib/store/keys.ts';
import { readHeadAndNewest } from '../lib/store/ledger.ts';
import { decodeCardTries } from '../lib/store/payments/card-tries.ts';
import { decodeSoldPrices, soldPriceKeys } from '../lib/store/payments/sold-prices.ts';
import { decodeSpending, spendingKey } from '../lib/store/payments/spending.ts';

const RECENT = 10;

/** GET /api/v1/usage */
export const handler = customerEndpoint(
  getUsageContract,
  (customerId, _, at) => [keys.cardTries(customerId), spendingKey(customerId, at), ...soldPriceKeys()],
  async ({ table, now }, { customerId, items: [tries, spent, ...sold], at }) => {
    const account = (await readHeadAndNewest(table, customerId, RECENT)) ?? customerGone();
    const { cards } = decodeCardTries(tries);
    const spending = decodeSpending(spent, monthOf(at));
    const prices = decodeSoldPrices(sold);
    return { status: 200, body: usageView(account, { cards, spending, prices }, now()) };
  },
);
