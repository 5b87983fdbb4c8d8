import { onboardCustomerContract } from '../lib/http/contracts/customers.ts';
import { publicEndpoint } from '../lib/http/endpoint.ts';
import { customerView } from '../lib/http/views/account.ts';
import { AFTER_SIGN_UP } from '../lib/http/views/api-keys.ts';
import { onboardCustomer } from '../lib/operations/accounts/onboard-customer.ts';

/** POST /api/v1/customers/onboard */
export const handler = publicEndpoint(onboardCustomerContract, async (deps, { input }) => {
  const { head, keyId, apiKey } = await onboardCustomer(deps, input.body);
  return {
    status: 201,
    body: {
      customer: customerView(head, deps.now()),
      api_key: apiKey,
      api_key_id: keyId,
      api_key_scope: 'account',
      next_step: AFTER_SIGN_UP,
    },
  };
});
