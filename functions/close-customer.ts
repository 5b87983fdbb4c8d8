import { paymentDeps } from '../lib/http/payment-deps.ts';
import { closeCustomer } from '../lib/operations/close-customer.ts';
import { closeCustomerContract } from '../lib/operators/contracts.ts';
import { operatorFunction } from '../lib/operators/operator-function.ts';

/** Closes an account for good: no key, no card, no subscription, nothing personal. */
export const handler = operatorFunction({
  ...closeCustomerContract,
  run: async (deps, { customer_id }) => {
    const { already, closedAt, balance } = await closeCustomer(paymentDeps(deps), customer_id);
    return { already, closed_at: closedAt, balance };
  },
});
