import * as z from 'zod/mini';
import { invalid, missing } from './errors.ts';
import { integer, text } from './parameters.ts';

/** Parameters of every list, beside its filters. */
export const page = {
  limit: z.optional(integer),
  starting_after: z.optional(text()),
  ending_before: z.optional(text()),
};

export interface Page {
  readonly limit?: number | undefined;
  readonly starting_after?: string | undefined;
  readonly ending_before?: string | undefined;
}

export interface ListOf<T> {
  readonly object: 'list';
  readonly data: T[];
  readonly has_more: boolean;
  readonly url: string;
}

const DEFAULT_LIMIT = 10;
const MAX_LIMIT = 100;

/** One page of `items`, which are in display order: newest first. */
export function paginate<T extends { readonly id: string }>(
  url: string,
  items: readonly T[],
  { limit = DEFAULT_LIMIT, starting_after: after, ending_before: before }: Page,
): ListOf<T> {
  if (limit < 1 || limit > MAX_LIMIT) {
    throw invalid(`limit must be between 1 and ${MAX_LIMIT}.`, { param: 'limit' });
  }
  if (after !== undefined && before !== undefined) {
    throw invalid('starting_after and ending_before exclude each other.', { param: 'ending_before' });
  }
  if (before !== undefined) {
    // The page that ends right before the cursor, not the first page.
    const end = position(items, before, 'ending_before');
    const start = Math.max(0, end - limit);
    return { object: 'list', data: items.slice(start, end), has_more: start > 0, url };
  }
  const start = after === undefined ? 0 : position(items, after, 'starting_after') + 1;
  const data = items.slice(start, start + limit);
  return { object: 'list', data, has_more: start + limit < items.length, url };
}

function position(items: readonly { readonly id: string }[], id: string, param: string): number {
  const index = items.findIndex((item) => item.id === id);
  if (index === -1) throw missing('object', id, { param });
  return index;
}
