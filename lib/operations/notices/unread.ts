import type { CustomerHead } from '../../domain/customer.ts';
import { isProbeCustomerEmail } from '../../domain/test-customer.ts';

/** Whether letters are pointless: the account is closed, or the customer is the probe's. */
export const isUnread = ({ closedAt, email }: Pick<CustomerHead, 'closedAt' | 'email'>): boolean =>
  closedAt !== null || isProbeCustomerEmail(email);
