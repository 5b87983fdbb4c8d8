import Stripe from 'stripe';

/** The stand-in's version is the version of the installed SDK. */
export const STRIPE_API_VERSION: string = Stripe.API_VERSION;

/** Stripe's release names; older versions have none. */
const RELEASES: readonly string[] = ['acacia', 'basil', 'clover', 'dahlia', 'endive'];
const PINNED_DATE = STRIPE_API_VERSION.slice(0, 10);

/**
 * Whether Stripe can have had this version: a real date up to the pinned one, with a release name or without.
 */
export function isApiVersion(version: string): boolean {
  const [, date = '', release] = /^(\d{4}-\d{2}-\d{2})(?:\.([a-z]+))?$/.exec(version) ?? [];
  const time = Date.parse(date);
  if (Number.isNaN(time) || new Date(time).toISOString().slice(0, 10) !== date) return false;
  return date <= PINNED_DATE && (release === undefined || RELEASES.includes(release));
}
