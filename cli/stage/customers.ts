import type { CustomerHead } from '../../lib/domain/customer.ts';
import { readHead } from '../../lib/store/heads.ts';
import { findByEmail } from '../../lib/store/owners.ts';
import type { Table } from '../../lib/store/table.ts';
import { isEmail } from '../terminal/arguments.ts';
import { EXIT, Failure } from '../terminal/failure.ts';

/** @throws Failure when there is no such customer */
export async function existingCustomer(table: Table, customerId: string): Promise<CustomerHead> {
  return (await readHead(table, customerId)) ?? noCustomer(customerId);
}

/**
 * The id of a customer who is named by it, or by their address.
 * @throws Failure when nobody has that address
 */
export async function customerIdFor(table: Table, name: string): Promise<string> {
  return isEmail(name) ? ((await findByEmail(table, name)) ?? noCustomer(name)) : name;
}

export function noCustomer(name: string): never {
  const detail = `There is no customer ${name} on this stage. Search with: customer list`;
  throw new Failure('customer_not_found', detail, EXIT.refused);
}
