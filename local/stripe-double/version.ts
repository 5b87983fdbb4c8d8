import Stripe from 'stripe';

/** The double speaks the version that the installed SDK is made for. */
export const STRIPE_API_VERSION: string = Stripe.API_VERSION;

/** Stripe's names of releases; versions before the first have none. */
const RELEASES: readonly string[] = ['acacia', 'basil', 'clover', 'dahlia', 'endive'];
const PINNED_DATE = STRIPE_API_VERSION.slice(0, 10);

/** Whether Stripe can have had this version: a real date up to the pinned one, with a release's name or without any. */
export function isApiVersion(version: string): boolean {
  const [, date = '', release] = /^(\d{4}-\d{2}-\d{2})(?:\.([a-z]+))?$/.exec(version) ?? [];
  const time = Date.parse(date);
  if (Number.isNaN(time) || new Date(time).toISOString().slice(0, 10) !== date) return false;
  return date <= PINNED_DATE && (release === undefined || RELEASES.includes(release));
}
