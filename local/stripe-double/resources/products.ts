import type Stripe from 'stripe';
import * as z from 'zod/mini';
import { invalid } from '../http/errors.ts';
import { page, paginate } from '../http/pagination.ts';
import { clearable, flag, inRange, type MetadataChange, metadata, range, text } from '../http/parameters.ts';
import { route } from '../http/route.ts';
import { mergeMetadata } from '../metadata.ts';
import { withoutUndefined } from '../params.ts';
import { changeAndEmit, emit, type Scope } from '../scope.ts';

const fields = {
  active: z.optional(flag),
  description: z.optional(clearable(text(40_000))),
  metadata,
};

export const productRoutes = [
  route('POST', '/v1/products', { ...fields, name: text(), id: z.optional(text(255)) }, createProduct),
  route(
    'GET',
    '/v1/products',
    { active: z.optional(flag), ids: z.optional(z.array(text())), created: range, ...page },
    (scope, { active, ids, created, ...window }) => {
      const products = scope.state.products.newestFirst.filter(
        (product) =>
          (active === undefined || product.active === active) &&
          (ids === undefined || ids.includes(product.id)) &&
          inRange(product.created, created),
      );
      return paginate('/v1/products', products, window);
    },
  ),
  route('GET', '/v1/products/:id', {}, (scope, _, { id = '' }) => scope.state.products.get(id, 'path')),
  route('POST', '/v1/products/:id', { ...fields, name: z.optional(text()) }, (scope, input, { id = '' }) => {
    const product = scope.state.products.get(id, 'path');
    const { metadata, ...rest } = input;
    const changes: Partial<Stripe.Product> = {
      ...withoutUndefined(rest),
      metadata: mergeMetadata(product.metadata, metadata),
    };
    changeAndEmit(scope, 'product.updated', product, { ...changes, updated: scope.now });
    return product;
  }),
  route('DELETE', '/v1/products/:id', {}, (scope, _, { id = '' }): Stripe.DeletedProduct => {
    const product = scope.state.products.get(id, 'path');
    if (scope.state.prices.newestFirst.some((price) => price.product === id)) {
      throw invalid('This product cannot be deleted because it has one or more user-created prices.');
    }
    scope.state.products.delete(id);
    emit(scope, 'product.deleted', product);
    return { id, object: 'product', deleted: true };
  }),
];

interface NewProduct {
  readonly name: string;
  readonly id?: string | undefined;
  readonly active?: boolean | undefined;
  readonly description?: string | null | undefined;
  readonly metadata?: MetadataChange | undefined;
}

export function createProduct(
  scope: Scope,
  { name, id, active, description, metadata }: NewProduct,
): Stripe.Product {
  if (id !== undefined && scope.state.products.find(id) !== undefined) {
    throw invalid('Product already exists.', { code: 'resource_already_exists', param: 'id' });
  }
  const product: Stripe.Product = {
    id: id ?? scope.newId('prod'),
    object: 'product',
    active: active ?? true,
    created: scope.now,
    default_price: null,
    description: description ?? null,
    images: [],
    livemode: false,
    marketing_features: [],
    metadata: mergeMetadata({}, metadata),
    name,
    package_dimensions: null,
    shippable: null,
    statement_descriptor: null,
    tax_code: null,
    tax_details: null,
    type: 'service',
    unit_label: null,
    updated: scope.now,
    url: null,
  };
  scope.state.products.add(product);
  emit(scope, 'product.created', product);
  return product;
}
