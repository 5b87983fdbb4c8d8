import { getUsageContract } from '../lib/http/contracts/account.ts';
import { customerEndpoint } from '../lib/http/endpoint.ts';
import { usageView } from '../lib/http/views/account.ts';
import { customerGone } from '../lib/operations/ledger/require-item.ts';
import { keys } from '../lib/store/keys.ts';
import { readHeadAndNewest } from '../lib/store/ledger.ts';
import { decodeCardTries } from '../lib/store/payments/card-tries.ts';

const RECENT = 10;

/** GET /api/v1/usage */
export const handler = customerEndpoint(
  getUsageContract,
  (customerId) => [keys.cardTries(customerId)],
  async ({ table, now }, { customerId, items: [tries] }) => {
    const account = (await readHeadAndNewest(table, customerId, RECENT)) ?? customerGone();
    return { status: 200, body: usageView(account, decodeCardTries(tries).cards, now()) };
  },
);
