import { monthOf } from '../lib/domain/payments/spending.ts';
import { getSpendingLimitContract } from '../lib/http/contracts/spending.ts';
import { customerEndpoint } from '../lib/http/endpoint.ts';
import { spendingLimitView } from '../lib/http/views/spending.ts';
import { requireHead } from '../lib/operations/ledger/require-item.ts';
import { keys } from '../lib/store/keys.ts';
import { decodeSpending, spendingKey } from '../lib/store/payments/spending.ts';

/** GET /api/v1/spending-limit */
export const handler = customerEndpoint(
  getSpendingLimitContract,
  (customerId, _, at) => [keys.head(customerId), spendingKey(customerId, at)],
  async (_, { customerId, items: [head, spent], at }) => {
    const { spendingLimitCents } = requireHead(head, customerId);
    const spending = decodeSpending(spent, monthOf(at));
    return { status: 200, body: spendingLimitView(spendingLimitCents, spending) };
  },
);
