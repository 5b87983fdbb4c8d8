import { type Removal, removeTestCustomer } from '../lib/operations/accounts/remove-test-customer.ts';
import { removeTestCustomerContract, type TestCustomerRemoval } from '../lib/operators/contracts.ts';
import { operatorFunction } from '../lib/operators/operator-function.ts';
import { paymentDeps } from '../lib/runtime/payment-deps.ts';

/**
 * Removes a test customer without a trace. Rejects other customers, and on a live stage all but the probe's.
 */
export const handler = operatorFunction({
  ...removeTestCustomerContract,
  run: async (deps, input) => {
    const who = 'email' in input ? { email: input.email } : { customerId: input.customer_id };
    const options = { awaitEvents: input.await_events ?? true };
    return answerOf(await removeTestCustomer(paymentDeps(deps), who, options));
  },
});

function answerOf(removal: Removal): TestCustomerRemoval {
  switch (removal.kind) {
    case 'removed':
      return { state: 'removed', items: removal.items };
    case 'waiting':
      return { state: 'waiting', events: removal.events };
    case 'unknown':
      return { state: 'unknown' };
    default:
      return removal satisfies never;
  }
}
