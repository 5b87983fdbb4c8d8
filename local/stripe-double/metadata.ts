import type Stripe from 'stripe';
import { invalid } from './http/errors.ts';
import type { MetadataChange } from './http/parameters.ts';

const MAX_KEYS = 50;

/** Merges key by key. An empty value deletes its key; an empty hash deletes all keys. */
export function mergeMetadata(present: Stripe.Metadata, change: MetadataChange | undefined): Stripe.Metadata {
  if (change === undefined) return present;
  if (change.clear) return {};
  const merged = { ...present, ...change.entries };
  const kept = Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== ''));
  if (Object.keys(kept).length > MAX_KEYS) {
    throw invalid(`metadata has at most ${MAX_KEYS} keys.`, { param: 'metadata' });
  }
  return kept;
}
