import type Stripe from 'stripe';
import * as z from 'zod/mini';
import { cardNamed } from '../cards.ts';
import { idOf } from '../collection.ts';
import { missing } from '../http/errors.ts';
import { page, paginate } from '../http/pagination.ts';
import { clearable, flag, integer, metadata, text } from '../http/parameters.ts';
import { route } from '../http/route.ts';
import { mergeMetadata } from '../metadata.ts';
import { withoutUndefined } from '../params.ts';
import { changeAndEmit, emit, type Scope } from '../scope.ts';
import type { CustomerSource } from '../state.ts';
import { customerIn } from './customer-lookup.ts';
import { cardForAttaching, createPaymentMethod } from './payment-methods.ts';
import { buildBankAccount, buildCard, TEST_BANK_TOKENS } from './source-build.ts';
import { deleteSource, setDefaultSource, sourcesOf } from './source-life.ts';

/*
 * Cards and bank accounts of the older kind, which always belong to a customer. Each card is also a payment
 * method with the same id, so every call that accepts a payment method accepts the card.
 */

const optionalText = z.optional(clearable(text()));

const updateParameters = {
  address_city: optionalText,
  address_country: optionalText,
  address_line1: optionalText,
  address_line2: optionalText,
  address_state: optionalText,
  address_zip: optionalText,
  exp_month: z.optional(integer),
  exp_year: z.optional(integer),
  metadata,
  name: optionalText,
};

const LIST = '/v1/customers/:id/sources';
const ONE = '/v1/customers/:id/sources/:source';

export const sourceRoutes = [
  route(
    'POST',
    LIST,
    { source: text(), metadata, validate: z.optional(flag) },
    (scope, { source, metadata }, { id = '' }) => {
      const customer = customerIn(scope, id, 'path');
      const made = createSource(scope, customer, source);
      made.metadata = mergeMetadata({}, metadata);
      emit(scope, 'customer.source.created', made);
      if (customer.default_source === null) setDefaultSource(scope, customer, made.id);
      return made;
    },
  ),
  route(
    'GET',
    LIST,
    {
      object: z.optional(z.enum(['card', 'bank_account'], 'parameter_invalid: must be a valid kind')),
      ...page,
    },
    (scope, { object, ...window }, { id = '' }) => {
      customerIn(scope, id, 'path');
      const all = sourcesOf(scope, id).filter((one) => object === undefined || one.object === object);
      return paginate(`/v1/customers/${id}/sources`, all, window);
    },
  ),
  route('GET', ONE, {}, (scope, _, { id = '', source = '' }) => sourceIn(scope, id, source)),
  route('POST', ONE, updateParameters, (scope, { metadata, ...rest }, { id = '', source = '' }) => {
    const found = sourceIn(scope, id, source);
    changeAndEmit(scope, 'customer.source.updated', found, {
      ...withoutUndefined(rest),
      metadata: mergeMetadata(found.metadata ?? {}, metadata),
    });
    return found;
  }),
  route('DELETE', ONE, {}, (scope, _, { id = '', source = '' }) => {
    const { object } = sourceIn(scope, id, source);
    deleteSource(scope, source);
    return { id: source, object, deleted: true };
  }),
];

/** @throws Refusal for an unknown token, and 402 if the issuer declines the card. */
export function createSource(scope: Scope, customer: Stripe.Customer, token: string): CustomerSource {
  if (TEST_BANK_TOKENS.includes(token))
    return scope.state.sources.add(buildBankAccount(scope, customer, token));
  const name = cardNamed(token);
  if (name === undefined || !token.startsWith('tok_')) throw missing('token', token, { param: 'source' });
  const method = createPaymentMethod(scope, cardForAttaching(name), scope.newId('card'));
  method.customer = customer.id;
  return scope.state.sources.add(buildCard(method, customer.id));
}

function sourceIn(scope: Scope, customer: string, id: string): CustomerSource {
  customerIn(scope, customer, 'path');
  const found = scope.state.sources.get(id, 'path');
  if (idOf(found.customer) !== customer) throw missing('source', id, 'path');
  return found;
}
