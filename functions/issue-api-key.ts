import { issueApiKeyContract } from '../lib/http/contracts/customers.ts';
import { customerEndpoint } from '../lib/http/endpoint.ts';
import { issueKey } from '../lib/operations/accounts/api-keys.ts';

/** POST /api/v1/api-keys */
export const handler = customerEndpoint(
  issueApiKeyContract,
  () => [],
  async (deps, { customerId }) => {
    const { keyId, apiKey, createdAt } = await issueKey(deps, customerId);
    return { status: 201, body: { id: keyId, api_key: apiKey, created_at: createdAt } };
  },
);
