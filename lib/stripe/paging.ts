import { StripeFault } from './fault.ts';

/** Stripe's limit for one page of a list. */
export const PAGE = 100;
/** More than any payment, invoice or customer has. A longer list throws; it is never cut. */
const MAX_LISTED = 10_000;

/**
 * Every object of a list, from all pages.
 * @throws StripeFault misconfigured for a list of more than 10,000: the sum of a part would be wrong
 */
export async function allOf<T>(list: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of list) {
    if (found.length === MAX_LISTED) throw new StripeFault('misconfigured', { code: 'list_too_long' });
    found.push(one);
  }
  return found;
}
