import { BillingError } from '../lib/errors.ts';
import { issueKey, issueOnlyKey } from '../lib/operations/accounts/api-keys.ts';
import { requireHead } from '../lib/operations/ledger/require-item.ts';
import { issueCustomerKeyContract } from '../lib/operators/contracts.ts';
import { operatorFunction } from '../lib/operators/operator-function.ts';
import { keys } from '../lib/store/keys.ts';
import { readTogether } from '../lib/store/table.ts';

/** Issues a key to a customer who cannot: the answer to their sign-up was lost, or all their keys are. */
export const handler = operatorFunction({
  ...issueCustomerKeyContract,
  run: async (deps, { customer_id, end_others = false, name, scope }) => {
    if (end_others && scope === 'fixes')
      throw new BillingError('invalid_request', 'The only key of a customer has the scope account.');
    const [item] = await readTogether(deps.table, [keys.head(customer_id)]);
    const head = requireHead(item, customer_id);
    const { keyId, apiKey, createdAt, ended, ...issued } = end_others
      ? await issueOnlyKey(deps, customer_id, 'operator', { name })
      : { ...(await issueKey(deps, customer_id, 'operator', { name, scope }, head)), ended: [] };
    return { key_id: keyId, api_key: apiKey, scope: issued.scope, created_at: createdAt, ended: [...ended] };
  },
});
