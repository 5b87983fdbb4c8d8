import { adjustCredits } from '../lib/operations/ledger/adjust-credits.ts';
import { adjustCreditsContract } from '../lib/operators/contracts.ts';
import { operatorFunction } from '../lib/operators/operator-function.ts';

/** An operator's correction of a balance. Idempotent per key. */
export const handler = operatorFunction({
  ...adjustCreditsContract,
  run: (deps, { customer_id, idempotency_key, ...adjustment }) =>
    adjustCredits(deps, customer_id, { ...adjustment, idempotencyKey: idempotency_key }),
});
