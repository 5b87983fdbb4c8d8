import { adjustCredits } from '../lib/operations/ledger/adjust-credits.ts';
import { LARGE_GRANT_CREDITS } from '../lib/operators/contract.ts';
import { adjustCreditsContract } from '../lib/operators/contracts.ts';
import { operatorFunction } from '../lib/operators/operator-function.ts';
import { countBusiness } from '../lib/runtime/observe.ts';

/** An operator's correction of a balance; a repeat under the same key adjusts nothing. */
export const handler = operatorFunction({
  ...adjustCreditsContract,
  run: async (deps, { customer_id, amount, reason, actor, idempotency_key }) => {
    const adjusted = await adjustCredits(deps, customer_id, {
      amount,
      reason,
      actor,
      idempotencyKey: idempotency_key,
    });
    if (!adjusted.already) {
      countBusiness('CreditsAdjusted');
      if (amount > LARGE_GRANT_CREDITS) countBusiness('LargeGrant');
    }
    return adjusted;
  },
});
