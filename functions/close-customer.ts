import { closeCustomer } from '../lib/operations/accounts/close-customer.ts';
import { closeCustomerContract } from '../lib/operators/contracts.ts';
import { operatorFunction } from '../lib/operators/operator-function.ts';
import { paymentDeps } from '../lib/runtime/payment-deps.ts';

/** Closes an account permanently: no key, no card, no subscription, no personal data. */
export const handler = operatorFunction({
  ...closeCustomerContract,
  run: async (deps, { customer_id }) => {
    const { already, closedAt, balance } = await closeCustomer(paymentDeps(deps), customer_id);
    return { already, closed_at: closedAt, balance };
  },
});
