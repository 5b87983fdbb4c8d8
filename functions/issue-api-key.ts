import { issueApiKeyContract } from '../lib/http/contracts/customers.ts';
import { customerEndpoint } from '../lib/http/endpoint.ts';
import { issuedKeyView } from '../lib/http/views/api-keys.ts';
import { issueKey } from '../lib/operations/accounts/api-keys.ts';

/** POST /api/v1/api-keys */
export const handler = customerEndpoint(
  issueApiKeyContract,
  () => [],
  async (deps, { input: { body }, customerId }) => {
    return { status: 201, body: issuedKeyView(await issueKey(deps, customerId, 'customer', body)) };
  },
);
