import type { CustomerHead } from '../../domain/customer.ts';
import { isProbeCustomerEmail } from '../../domain/test-customer.ts';

/** Whether no one reads letters to this customer. */
export const isUnread = ({ closedAt, email }: Pick<CustomerHead, 'closedAt' | 'email'>): boolean =>
  closedAt !== null || isProbeCustomerEmail(email);
