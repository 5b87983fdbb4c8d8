import { listApiKeysContract } from '../lib/http/contracts/customers.ts';
import { customerEndpoint } from '../lib/http/endpoint.ts';
import { keyView } from '../lib/http/views/api-keys.ts';
import { listActiveKeys } from '../lib/store/api-keys.ts';

/** GET /api/v1/api-keys */
export const handler = customerEndpoint(
  listApiKeysContract,
  () => [],
  async ({ table }, { customerId }) => {
    const listed = await listActiveKeys(table, customerId);
    return { status: 200, body: { api_keys: listed.map(keyView) } };
  },
);
