import { replayEvent } from '../lib/operations/events/replay-event.ts';
import { replayEventContract } from '../lib/operators/contracts.ts';
import { operatorFunction } from '../lib/operators/operator-function.ts';
import { paymentDeps } from '../lib/runtime/payment-deps.ts';

/** Applies a parked or missed event. An applied event is not applied again. */
export const handler = operatorFunction({
  ...replayEventContract,
  run: async (deps, { event_id }) => {
    const { outcome, reason, customerId } = await replayEvent(paymentDeps(deps), event_id);
    return { outcome, reason, customer_id: customerId };
  },
});
