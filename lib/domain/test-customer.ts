/* Customers that the smoke test signs up and removes, identified by addresses where no one else gets mail. */

const ADDRESS = /^smoke\+[0-9a-f]{16}@rsolv\.dev$/;

/** @param chance 8 random bytes, so that runs never share an address */
export const testCustomerEmail = (chance: Uint8Array): string =>
  `smoke+${Buffer.from(chance).toString('hex')}@rsolv.dev`;

/** Whether a customer may be removed without a trace. */
export const isTestCustomerEmail = (email: string): boolean => ADDRESS.test(email);
