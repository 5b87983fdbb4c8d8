import { issueApiKeyContract } from '../lib/http/contracts/customers.ts';
import { customerEndpoint } from '../lib/http/endpoint.ts';
import { issuedKeyView } from '../lib/http/views/api-keys.ts';
import { issueKey } from '../lib/operations/accounts/api-keys.ts';
import { requireHead } from '../lib/operations/ledger/require-item.ts';
import { keys } from '../lib/store/keys.ts';

/** POST /api/v1/api-keys */
export const handler = customerEndpoint(
  issueApiKeyContract,
  (customerId) => [keys.head(customerId)],
  async (deps, { input: { body }, customerId, items: [head] }) => {
    const issued = await issueKey(deps, customerId, 'customer', body, requireHead(head, customerId));
    return { status: 201, body: issuedKeyView(issued) };
  },
);
