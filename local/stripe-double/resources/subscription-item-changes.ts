import type Stripe from 'stripe';
import * as z from 'zod/mini';
import { periodOf } from '../billing/periods.ts';
import type { ItemChange } from '../billing/subscription-change.ts';
import { invalid } from '../http/errors.ts';
import { flag, integer, type MetadataChange, metadata, text } from '../http/parameters.ts';
import { mergeMetadata } from '../metadata.ts';
import type { Scope } from '../scope.ts';
import { buildItem } from './subscription-build.ts';

const MAX_ITEMS = 20;

export const itemUpdates = z.optional(
  z.array(
    z.strictObject({
      id: z.optional(text()),
      price: z.optional(text()),
      quantity: z.optional(integer),
      deleted: z.optional(flag),
      metadata,
    }),
  ),
);

interface ItemUpdate {
  readonly id?: string | undefined;
  readonly price?: string | undefined;
  readonly quantity?: number | undefined;
  readonly deleted?: boolean | undefined;
  readonly metadata?: MetadataChange | undefined;
}

/** @throws Refusal for a price that cannot be subscribed to. */
export function recurringPrice(scope: Scope, id: string, param: string): Stripe.Price {
  const price = scope.state.prices.get(id, { param });
  if (!price.active)
    throw invalid('The price specified is inactive. This field only accepts active prices.', { param });
  if (price.recurring !== null) return price;
  throw invalid('The price specified is set to type=one_time but this field only accepts type=recurring.', {
    param,
  });
}

/** @throws Refusal if the items cannot be billed together. */
export function assertTogether(prices: readonly Stripe.Price[]): void {
  if (prices.length > MAX_ITEMS)
    throw invalid(`A subscription has at most ${MAX_ITEMS} items.`, { param: 'items' });
  if (new Set(prices.map(({ id }) => id)).size < prices.length)
    throw invalid('There is already an item with this price: change its quantity.', { param: 'items' });
  const kinds = new Set(prices.map(({ currency, recurring }) => `${currency} ${JSON.stringify(recurring)}`));
  if (kinds.size > 1)
    throw invalid('Items of one subscription share currency and interval.', { param: 'items' });
}

/**
 * A subscription's items before and after an update. An update without an id adds an item.
 * @throws Refusal for an unknown item, and if no item would be left.
 */
export function itemChanges(
  scope: Scope,
  subscription: Stripe.Subscription,
  updates: readonly ItemUpdate[],
): ItemChange[] {
  const present = subscription.items.data;
  for (const [i, { id }] of updates.entries()) {
    if (id !== undefined && !present.some((item) => item.id === id)) {
      throw invalid(`No such subscription item: '${id}'`, {
        code: 'resource_missing',
        param: `items[${i}][id]`,
      });
    }
  }
  const kept = present.map((before): ItemChange => {
    const i = updates.findIndex(({ id }) => id === before.id);
    const update = updates[i];
    return { before, after: update === undefined ? before : updated(scope, before, update, i) };
  });
  const added = updates.flatMap((update, i): ItemChange[] =>
    update.id === undefined ? [{ before: null, after: newItem(scope, subscription, update, i) }] : [],
  );
  const changes = [...kept, ...added];
  const after = changes.flatMap((one) => (one.after === null ? [] : [one.after]));
  if (after.length === 0) throw invalid('A subscription has at least one item.', { param: 'items' });
  assertTogether(after.map(({ price }) => price));
  return changes;
}

function updated(
  scope: Scope,
  before: Stripe.SubscriptionItem,
  { price: priceId, quantity, deleted, metadata }: ItemUpdate,
  i: number,
): Stripe.SubscriptionItem | null {
  if (deleted) return null;
  const price = priceId === undefined ? before.price : recurringPrice(scope, priceId, `items[${i}][price]`);
  const item = {
    price,
    quantity: quantity ?? before.quantity ?? 1,
    metadata: mergeMetadata(before.metadata, metadata),
  };
  const period = { start: before.current_period_start, end: before.current_period_end };
  return { ...buildItem(scope, before.subscription, item, period), id: before.id, created: before.created };
}

function newItem(
  scope: Scope,
  subscription: Stripe.Subscription,
  { price, quantity = 1, metadata }: ItemUpdate,
  i: number,
): Stripe.SubscriptionItem {
  const param = `items[${i}][price]`;
  if (price === undefined)
    throw invalid(`Missing required param: ${param}.`, { code: 'parameter_missing', param });
  const item = {
    price: recurringPrice(scope, price, param),
    quantity,
    metadata: mergeMetadata({}, metadata),
  };
  return buildItem(scope, subscription.id, item, periodOf(subscription));
}
