import type { CustomerHead } from '../../domain/customer.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { bindStripeId } from '../../store/owners.ts';
import { EMAIL_INVALID, isFault } from '../../stripe/fault.ts';
import { changeLedger } from '../ledger/change-ledger.ts';
import { accountClosed } from '../ledger/require-item.ts';
import { askStripe } from '../payments/payment-problems.ts';

/**
 * Returns the customer's head, and creates their Stripe customer first if there is none. Concurrent calls,
 * and a repeat after a crash, create only one: the idempotency key is made of the customer id, the name and
 * the address. If Stripe refuses the e-mail address, the Stripe customer is created without it.
 * @throws BillingError account_closed, payments_unavailable, payments_misconfigured, ledger_busy,
 * ledger_unavailable
 */
export async function withStripeCustomer(deps: PaymentDeps, head: CustomerHead): Promise<CustomerHead> {
  if (head.stripeCustomerId !== null) return head;
  const { customerId, name, email, formerStripeCustomerId: former } = head;
  if (head.closedAt !== null) throw accountClosed(customerId);
  const stripe = await deps.stripe();
  const create = (address: string | null) => () =>
    stripe.createCustomer({ customerId, name, email: address, former });
  const stripeCustomerId = await askStripe(() =>
    create(email)().catch((error: unknown) => {
      if (!isFault(error, 'refused') || error.facts.code !== EMAIL_INVALID) throw error;
      deps.report({ kind: 'stripe_email_refused', customerId });
      return create(null)();
    }),
  );
  return bindStripeCustomer(deps, customerId, stripeCustomerId);
}

/**
 * Binds a Stripe customer to the customer, unless one is bound already. From then on, events about it find
 * their owner.
 * @throws BillingError customer_not_found, ledger_busy, ledger_unavailable
 */
export async function bindStripeCustomer(
  deps: PaymentDeps,
  customerId: string,
  stripeCustomerId: string,
): Promise<CustomerHead> {
  const { answer } = await changeLedger<null, CustomerHead>(deps, {
    customerId,
    relatedKeys: [],
    decodeRelated: () => null,
    decide: ({ head: now }) =>
      now.stripeCustomerId === null
        ? {
            kind: 'write',
            profile: { stripeCustomerId },
            writes: () => [bindStripeId(stripeCustomerId, customerId)],
            answer: ({ head: bound }) => bound,
          }
        : { kind: 'done', answer: now },
  });
  return answer;
}

/** The Stripe customer of a head that `withStripeCustomer` returned. */
export function stripeCustomerOf({ customerId, stripeCustomerId }: CustomerHead): string {
  if (stripeCustomerId === null) throw new Error(`Customer ${customerId} was bound to no Stripe customer`);
  return stripeCustomerId;
}
