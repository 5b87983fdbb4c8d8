import type Stripe from 'stripe';
import type { KnownPrice } from '../../lib/domain/plans.ts';
import type { PriceBook } from '../../lib/stripe/prices.ts';
import { openStripe } from '../../lib/stripe/sdk.ts';

/* Stripe's objects as its API sends them, and the SDK with canned answers. */

/** A request: the path without the version, and the query parameters. */
export interface Asked {
  readonly path: string;
  readonly query: URLSearchParams;
}

/** An error answer. */
export class Refusal {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string) {
    this.status = status;
    this.code = code;
  }
}

export const list = (...data: readonly unknown[]) => ({ object: 'list', data, has_more: false, url: '/' });

type Answer = object | ((asked: Asked) => object);

/**
 * The SDK with these answers by path. A path without an answer returns 404. `asked` collects the requests.
 */
export function stripeWith(answers: Readonly<Record<string, Answer>>, asked: Asked[] = []): Stripe {
  const makeRequest: NonNullable<Stripe.StripeConfig['httpClient']>['makeRequest'] = async (
    _host,
    _port,
    path,
  ) => {
    const { pathname, searchParams } = new URL(path, 'https://api.stripe.test');
    const request = { path: pathname.replace('/v1/', ''), query: searchParams };
    asked.push(request);
    const found = answers[request.path] ?? new Refusal(404, 'resource_missing');
    const answer = typeof found === 'function' ? found(request) : found;
    const isRefusal = answer instanceof Refusal;
    const error = isRefusal ? { type: 'invalid_request_error', code: answer.code, message: 'no' } : null;
    return {
      getStatusCode: () => (isRefusal ? answer.status : 200),
      getHeaders: () => ({ 'content-type': 'application/json', 'request-id': 'req_1' }),
      getRawResponse: () => answer,
      toStream: () => {
        throw new Error('nothing is streamed here');
      },
      toJSON: async () => (error === null ? answer : { error }),
    };
  };
  return openStripe(
    { secretKey: 'sk_test_1', apiBase: null },
    {
      maxNetworkRetries: 0,
      sleep: async () => {},
      httpClient: { getClientName: () => 'answers of a test', makeRequest },
    },
  );
}

/** A list in pages of one object each. */
export const paged =
  (...data: readonly { readonly id: string }[]) =>
  ({ query }: Asked) => {
    const at = data.findIndex(({ id }) => id === query.get('starting_after')) + 1;
    return { ...list(...data.slice(at, at + 1)), has_more: at + 1 < data.length };
  };

export const refundFrom = (facts: object = {}) => ({
  id: 're_1',
  object: 'refund',
  status: 'succeeded',
  amount: 100,
  metadata: {},
  ...facts,
});

/** A dispute that took 100 cents and the fee. */
export const disputeFrom = (facts: object = {}) => ({
  id: 'du_1',
  object: 'dispute',
  status: 'needs_response',
  amount: 100,
  currency: 'usd',
  charge: 'ch_1',
  is_charge_refundable: false,
  balance_transactions: [{ amount: -100, fee: 1_500, net: -1_600, currency: 'usd' }],
  ...facts,
});

/** A line for a whole period of Pro. */
export const lineFrom = (facts: object = {}) => ({
  id: 'il_1',
  object: 'line_item',
  amount: 59_900,
  discount_amounts: [],
  taxes: [],
  quantity: 1,
  period: { start: 0, end: 100 },
  parent: forSubscription(),
  pricing: { price_details: { price: 'price_pro', product: 'prod_ours' } },
  ...facts,
});

/** The parent of a subscription line. */
export const forSubscription = (facts: object = {}) => ({
  type: 'subscription_item_details',
  subscription_item_details: {
    proration: false,
    subscription: 'sub_1',
    proration_details: null,
    ...facts,
  },
  invoice_item_details: null,
});

export const invoiceFrom = ({
  lines = [lineFrom()],
  ...facts
}: Record<string, unknown> & { lines?: readonly object[] } = {}) => ({
  id: 'in_1',
  object: 'invoice',
  number: 'RSOLV-0001',
  status: 'paid',
  created: 100,
  customer: 'cus_1',
  total: 59_900,
  amount_paid: 59_900,
  amount_remaining: 0,
  attempt_count: 1,
  billing_reason: 'subscription_cycle',
  next_payment_attempt: null,
  status_transitions: { paid_at: 100 },
  parent: { subscription_details: { subscription: 'sub_1' } },
  lines: list(...lines),
  ...facts,
});

/** The price of Pro, and a price book with only this price. */
export const PRO: KnownPrice = { id: 'price_pro', plan: 'pro', credits: 60, unitCents: 59_900 };
export const PRICES: PriceBook = {
  soldPrice: async () => PRO,
  learn: () => {},
  find: async (id, product) => {
    if (id === PRO.id) return { kind: 'known', price: PRO };
    return { kind: product === 'prod_ours' ? 'unknown' : 'foreign' };
  },
};

export const priced = (price: unknown, product: unknown = 'prod_ours') => ({
  price_details: { price, product },
});
/** A line that credits unused time. Stripe may name the invoice that paid for it. */
export const creditLine = (named: string | null, facts: object = {}) =>
  lineFrom({
    id: 'il_credit',
    amount: -500,
    period: { start: 40, end: 100 },
    parent: forSubscription({
      proration: true,
      proration_details: named === null ? null : { credited_items: { invoice: named } },
    }),
    ...facts,
  });

export const priceFrom = (facts: object = {}) => ({
  id: 'price_pro',
  object: 'price',
  product: 'prod_ours',
  unit_amount: 59_900,
  currency: 'usd',
  lookup_key: 'rsolv_pro_monthly',
  metadata: { plan: 'pro', credits: '60' },
  ...facts,
});
