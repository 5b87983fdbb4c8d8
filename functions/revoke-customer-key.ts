import { revokeKey } from '../lib/operations/accounts/api-keys.ts';
import { revokeCustomerKeyContract } from '../lib/operators/contracts.ts';
import { operatorFunction } from '../lib/operators/operator-function.ts';

/**
 * Revokes a customer's leaked key immediately, unless it is the last `account` key. Idempotent: a repeat
 * returns the first revocation.
 */
export const handler = operatorFunction({
  ...revokeCustomerKeyContract,
  run: async (deps, { customer_id, key_id }) => {
    const { keyId, revokedAt } = await revokeKey(deps, customer_id, key_id, 'operator');
    return { key_id: keyId, revoked_at: revokedAt };
  },
});
