import type { CustomerHead } from '../../domain/customer.ts';
import type { FixAttempt } from '../../domain/fix-attempt.ts';
import { BillingError } from '../../errors.ts';
import { decodeFix } from '../../store/fix-attempts.ts';
import { decodeHead } from '../../store/heads.ts';
import type { Item } from '../../store/table.ts';

/** @throws BillingError customer_not_found */
export function requireHead(item: Item | undefined, customerId: string): CustomerHead {
  if (item !== undefined) return decodeHead(item);
  throw new BillingError('customer_not_found', `There is no customer ${customerId}.`);
}

/**
 * @throws BillingError fix_attempt_not_found, also for another customer's fix: it is in another partition.
 */
export function requireFix(item: Item | undefined): FixAttempt {
  if (item !== undefined) return decodeFix(item);
  throw new BillingError('fix_attempt_not_found', 'There is no such fix attempt. Record it first.');
}

/** For a request that was in flight when the account was closed. */
export const accountClosed = (customerId: string): BillingError =>
  new BillingError('account_closed', `The account ${customerId} is closed. Nothing was done.`);

/** @throws BillingError customer_not_found */
export function customerGone(): never {
  throw new BillingError('customer_not_found', 'The customer of this API key does not exist.');
}
