import type { State } from '../state.ts';
import { invalid } from './errors.ts';

const MAX_DEPTH = 4;

type Json = Record<string, unknown>;

/** Fields that Stripe includes only on request, by kind of object. */
export type Includable = (state: State, object: Json, field: string) => unknown;

/** Fields that can be expanded, or that contain a field that can be expanded. */
const EXPANDABLE = new Set([
  ...['data', 'items', 'lines', 'parent', 'payment', 'pricing', 'price_details', 'invoice_settings'],
  ...['subscription_details', 'subscription_item_details', 'last_payment_error'],
  ...['charge', 'confirmation_secret', 'customer', 'default_payment_method', 'default_price', 'invoice'],
  ...[
    'amount_paid_off_stripe',
    'latest_charge',
    'latest_invoice',
    'payment_intent',
    'payment_method',
    'payments',
  ],
  ...['price', 'product', 'refund', 'refunds', 'subscription', 'subscriptions'],
  ...['credit_note', 'customer_balance_transaction'],
  ...['balance_transaction', 'failure_balance_transaction', 'source', 'default_source'],
  // Valid at Stripe, but null, empty or absent in the stand-in's objects.
  ...[
    'application',
    'applies_to',
    'breakdown',
    'cash_balance',
    'currency_options',
    'destination',
    'discounts',
  ],
  ...['from_invoice', 'latest_revision', 'line_items', 'on_behalf_of', 'pending_setup_intent', 'review'],
  ...['schedule', 'source_transfer', 'source_transfer_reversal', 'sources', 'tax', 'tax_ids', 'test_clock'],
  ...['tiers', 'total_details', 'transfer', 'transfer_reversal', 'application_fee', 'discount', 'mandate'],
  ...['single_use_mandate', 'latest_attempt', 'account_tax_ids', 'payment_link', 'tax_code', 'quote'],
  ...['setup_intent', 'payment_record'],
]);

/** By kind: expandable fields that an object of the stand-in may lack. Answers leave them out. */
const ABSENT = new Set([
  ...[
    'coupon.applies_to',
    'customer.cash_balance',
    'customer.tax',
    'price.tiers',
    'refund.failure_balance_transaction',
  ],
  ...['customer.discount', 'checkout.session.line_items'],
]);

/** @throws Refusal for an impossible path, before anything happens: a path must not fail after a charge. */
export function assertExpandable(paths: readonly string[]): void {
  for (const path of paths) {
    const parts = path.split('.');
    if (parts.filter((part) => part !== 'data').length > MAX_DEPTH) {
      throw invalid(`${path} is deeper than ${MAX_DEPTH} levels.`, { param: 'expand' });
    }
    if (!parts.every((part) => EXPANDABLE.has(part))) throw notExpandable(path);
  }
}

/** Returns a copy of `object` for the answer: at each path of `expand`, objects replace their ids. */
export function expanded(
  state: State,
  object: unknown,
  paths: readonly string[],
  includable: Includable,
): unknown {
  const copy: unknown = JSON.parse(JSON.stringify(object));
  // Shorter paths first: a path may lead through an object that another path expands.
  for (const path of paths.toSorted((a, b) => a.length - b.length)) {
    follow(copy, path.split('.'), path);
  }
  return copy;

  function follow(value: unknown, parts: readonly string[], path: string): void {
    const [field, ...rest] = parts;
    if (field === undefined || value === null) return;
    if (Array.isArray(value)) {
      for (const one of value) follow(one, parts, path);
      return;
    }
    if (!isJson(value) || field === 'id') throw notExpandable(path);
    // A deleted object has no fields to expand.
    if (value['deleted'] === true) return;
    const found = lookUp(value, field);
    if (found === undefined && ABSENT.has(`${String(value['object'])}.${field}`)) return;
    if (found === undefined) throw notExpandable(path);
    value[field] = found;
    follow(found, rest, path);
  }

  function named(id: unknown): unknown {
    return typeof id === 'string' ? copied(state.findAny(id)) : undefined;
  }

  function lookUp(holder: Json, field: string): unknown {
    const present = Object.hasOwn(holder, field) ? holder[field] : undefined;
    if (present === undefined) return copied(includable(state, holder, field));
    if (Array.isArray(present)) return present.map((one: unknown) => named(one) ?? one);
    if (typeof present !== 'string') return present;
    return copied(field === 'default_source' ? state.sources.find(present) : state.findAny(present));
  }
}

const copied = (value: unknown): unknown =>
  value === undefined ? undefined : JSON.parse(JSON.stringify(value));

const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null;

const notExpandable = (path: string) =>
  invalid(`This property cannot be expanded (${path}).`, { param: 'expand' });
