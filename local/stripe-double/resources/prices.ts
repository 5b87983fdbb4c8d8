import Stripe from 'stripe';
import * as z from 'zod/mini';
import { invalid } from '../http/errors.ts';
import { page, paginate } from '../http/pagination.ts';
import { clearable, currency, flag, inRange, integer, metadata, range, text } from '../http/parameters.ts';
import { route } from '../http/route.ts';
import { mergeMetadata } from '../metadata.ts';
import { withoutUndefined } from '../params.ts';
import { changeAndEmit, emit, type Scope } from '../scope.ts';
import { createProduct } from './products.ts';

const interval = z.enum(
  ['day', 'week', 'month', 'year'],
  'parameter_invalid: must be day, week, month or year',
);
const lookupKey = z.optional(clearable(text(200)));
const fields = {
  active: z.optional(flag),
  nickname: z.optional(clearable(text())),
  lookup_key: lookupKey,
  transfer_lookup_key: z.optional(flag),
  metadata,
};

export const priceRoutes = [
  route(
    'POST',
    '/v1/prices',
    {
      ...fields,
      currency,
      unit_amount: integer,
      product: z.optional(text()),
      product_data: z.optional(z.strictObject({ name: text(), metadata })),
      recurring: z.optional(z.strictObject({ interval, interval_count: z.optional(integer) })),
    },
    (scope, input) => {
      const { product: productId, product_data: data, recurring, currency, unit_amount: amount } = input;
      if ((productId === undefined) === (data === undefined)) {
        throw invalid('Name one of product and product_data.', {
          code: 'parameter_missing',
          param: 'product',
        });
      }
      if (amount < 0) throw invalid('Invalid non-negative integer', { param: 'unit_amount' });
      if (productId !== undefined) scope.state.products.get(productId, { param: 'product' });
      const key = input.lookup_key ?? null;
      takeLookupKey(scope, key, input.transfer_lookup_key ?? false);
      const price: Stripe.Price = {
        id: scope.newId('price'),
        object: 'price',
        active: input.active ?? true,
        billing_scheme: 'per_unit',
        created: scope.now,
        currency: currency.toLowerCase(),
        custom_unit_amount: null,
        livemode: false,
        lookup_key: key,
        metadata: mergeMetadata({}, input.metadata),
        nickname: input.nickname ?? null,
        product: productId ?? (data === undefined ? '' : createProduct(scope, data).id),
        recurring:
          recurring === undefined
            ? null
            : {
                interval: recurring.interval,
                interval_count: recurring.interval_count ?? 1,
                meter: null,
                trial_period_days: null,
                usage_type: 'licensed',
              },
        tax_behavior: 'unspecified',
        tiers_mode: null,
        transform_quantity: null,
        type: recurring === undefined ? 'one_time' : 'recurring',
        unit_amount: amount,
        unit_amount_decimal: Stripe.Decimal.from(amount),
      };
      scope.state.prices.add(price);
      emit(scope, 'price.created', price);
      return price;
    },
  ),
  route(
    'GET',
    '/v1/prices',
    {
      active: z.optional(flag),
      currency: z.optional(currency),
      product: z.optional(text()),
      type: z.optional(z.enum(['one_time', 'recurring'], 'parameter_invalid: must be one_time or recurring')),
      lookup_keys: z.optional(z.array(text(200))),
      recurring: z.optional(z.strictObject({ interval: z.optional(interval) })),
      created: range,
      ...page,
    },
    (scope, { active, currency, product, type, lookup_keys: keys, recurring, created, ...window }) => {
      const prices = scope.state.prices.newestFirst.filter(
        (price) =>
          (active === undefined || price.active === active) &&
          (currency === undefined || price.currency === currency) &&
          (product === undefined || price.product === product) &&
          (type === undefined || price.type === type) &&
          (keys === undefined || (price.lookup_key !== null && keys.includes(price.lookup_key))) &&
          (recurring?.interval === undefined || price.recurring?.interval === recurring.interval) &&
          inRange(price.created, created),
      );
      return paginate('/v1/prices', prices, window);
    },
  ),
  route('GET', '/v1/prices/:id', {}, (scope, _, { id = '' }) => scope.state.prices.get(id, 'path')),
  route('POST', '/v1/prices/:id', fields, (scope, input, { id = '' }) => {
    const price = scope.state.prices.get(id, 'path');
    const { metadata, transfer_lookup_key: transfer = false, ...rest } = input;
    if (rest.lookup_key !== price.lookup_key) takeLookupKey(scope, rest.lookup_key ?? null, transfer);
    const changes: Partial<Stripe.Price> = withoutUndefined(rest);
    changeAndEmit(scope, 'price.updated', price, {
      ...changes,
      metadata: mergeMetadata(price.metadata, metadata),
    });
    return price;
  }),
];

/** Only one price has a key at a time. Another price gets it only by a transfer. */
function takeLookupKey(scope: Scope, key: string | null, transfer: boolean): void {
  const holder = scope.state.prices.newestFirst.find((price) => key !== null && price.lookup_key === key);
  if (holder === undefined) return;
  if (!transfer) {
    throw invalid(`A price (${holder.id}) already uses that lookup key.`, {
      code: 'resource_already_exists',
      param: 'lookup_key',
    });
  }
  changeAndEmit(scope, 'price.updated', holder, { lookup_key: null });
}
