/*
 * Customers that the smoke test and the probe sign up and remove. No one else gets mail at their addresses.
 */

const SMOKE = /^smoke\+[0-9a-f]{16}@rsolv\.dev$/;
const PROBE = /^probe\+[0-9a-f]{16}@rsolv\.dev$/;

/** @param chance 8 random bytes, so that runs never share an address */
export const testCustomerEmail = (chance: Uint8Array): string => addressOf('smoke', chance);

/** The same for a customer of the probe. */
export const probeCustomerEmail = (chance: Uint8Array): string => addressOf('probe', chance);

const addressOf = (name: 'smoke' | 'probe', chance: Uint8Array): string =>
  `${name}+${Buffer.from(chance).toString('hex')}@rsolv.dev`;

/**
 * Whether a customer may be removed without a trace. A stranger can sign up with such an address too, and
 * gets no mail: this may hide only what that customer does.
 */
export const isTestCustomerEmail = (email: string): boolean =>
  SMOKE.test(email) || isProbeCustomerEmail(email);

export const isProbeCustomerEmail = (email: string): boolean => PROBE.test(email);
