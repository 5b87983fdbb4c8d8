import { changeSpendingLimitContract } from '../lib/http/contracts/spending.ts';
import { customerEndpoint } from '../lib/http/endpoint.ts';
import { spendingLimitView } from '../lib/http/views/spending.ts';
import { changeSpendingLimit } from '../lib/operations/accounts/change-spending-limit.ts';

/** PUT /api/v1/spending-limit */
export const handler = customerEndpoint(
  changeSpendingLimitContract,
  () => [],
  async (deps, { input, customerId, keyUse }) => {
    const { monthly_cents: wanted } = input.body;
    const { limitCents, spending } = await changeSpendingLimit(deps, customerId, wanted, keyUse);
    return { status: 200, body: spendingLimitView(limitCents, spending) };
  },
);
