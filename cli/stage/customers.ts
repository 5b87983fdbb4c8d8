import type { CustomerHead } from '../../lib/domain/customer.ts';
import { readHead } from '../../lib/store/heads.ts';
import { findByEmail } from '../../lib/store/owners.ts';
import type { Table } from '../../lib/store/table.ts';
import { isEmail } from '../terminal/arguments.ts';
import { EXIT, Failure } from '../terminal/failure.ts';

/** @throws Failure if there is no such customer */
export async function requireCustomer(table: Table, customerId: string): Promise<CustomerHead> {
  return (await readHead(table, customerId)) ?? failUnknownCustomer(customerId);
}

/**
 * Resolves a customer id or an e-mail address to the customer id.
 * @throws Failure if no customer has that address
 */
export async function customerIdFor(table: Table, name: string): Promise<string> {
  return isEmail(name) ? ((await findByEmail(table, name)) ?? failUnknownCustomer(name)) : name;
}

/** @throws Failure always */
export function failUnknownCustomer(name: string): never {
  const detail = `There is no customer ${name} on this stage. Search with: customer list`;
  throw new Failure('customer_not_found', detail, EXIT.refused);
}
