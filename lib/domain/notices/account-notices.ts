import type { CustomerHead } from '../customer.ts';
import type { Notice } from '../notice.ts';

/** The account was closed: once, and at the address that is deleted then. */
export const accountClosed = (
  { customerId, balance: credits }: Pick<CustomerHead, 'customerId' | 'balance'>,
  at: Date,
): Notice => ({
  customerId,
  id: 'closed',
  createdAt: at.toISOString(),
  content: { kind: 'account_closed', credits },
});
