import { revokeApiKeyContract } from '../lib/http/contracts/customers.ts';
import { customerEndpoint } from '../lib/http/endpoint.ts';
import { revokeKey } from '../lib/operations/accounts/api-keys.ts';

/** DELETE /api/v1/api-keys/{id} */
export const handler = customerEndpoint(
  revokeApiKeyContract,
  () => [],
  async (deps, { input, customerId }) => {
    const { keyId, revokedAt } = await revokeKey(deps, customerId, input.params.id);
    return { status: 200, body: { id: keyId, revoked_at: revokedAt } };
  },
);
