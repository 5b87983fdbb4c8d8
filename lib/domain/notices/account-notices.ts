import type { CustomerHead } from '../customer.ts';
import type { Notice } from '../notice.ts';

/** The account was closed. Sent once, to the address that is then deleted. */
export const accountClosed = (
  { customerId, balance: credits }: Pick<CustomerHead, 'customerId' | 'balance'>,
  at: Date,
): Notice => ({
  customerId,
  id: 'closed',
  createdAt: at.toISOString(),
  content: { kind: 'account_closed', credits },
});
