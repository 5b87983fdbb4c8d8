import { StripeFault } from './fault.ts';

/** What a list brings at most in one call. */
export const PAGE = 100;
/** More than any payment, invoice or customer has. A longer list is an error, never cut off silently. */
const MAX_LISTED = 10_000;

/**
 * Every object of a list, from all of its pages.
 * @throws StripeFault misconfigured for a list of more than 10,000: a part of it would add up to a wrong sum
 */
export async function allOf<T>(list: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of list) {
    if (found.length === MAX_LISTED) throw new StripeFault('misconfigured', { code: 'list_too_long' });
    found.push(one);
  }
  return found;
}
