import { revokeKey } from '../lib/operations/accounts/api-keys.ts';
import { revokeCustomerKeyContract } from '../lib/operators/contracts.ts';
import { operatorFunction } from '../lib/operators/operator-function.ts';

/** Ends a customer's key at once, for one that leaked; a repeat answers with the first revocation. */
export const handler = operatorFunction({
  ...revokeCustomerKeyContract,
  run: async (deps, { customer_id, key_id }) => {
    const { keyId, revokedAt } = await revokeKey(deps, customer_id, key_id);
    return { key_id: keyId, revoked_at: revokedAt };
  },
});
