import { getUsageContract } from '../lib/http/contracts/account.ts';
import { customerEndpoint } from '../lib/http/endpoint.ts';
import { usageView } from '../lib/http/views/account.ts';
import { customerGone } from '../lib/operations/ledger/require-item.ts';
import { readHeadAndNewest } from '../lib/store/ledger.ts';

const RECENT = 10;

/** GET /api/v1/usage */
export const handler = customerEndpoint(
  getUsageContract,
  () => [],
  async ({ table, now }, { customerId }) => {
    const account = (await readHeadAndNewest(table, customerId, RECENT)) ?? customerGone();
    return { status: 200, body: usageView(account, now()) };
  },
);
