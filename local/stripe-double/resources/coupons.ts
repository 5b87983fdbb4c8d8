import type Stripe from 'stripe';
import * as z from 'zod/mini';
import { invalid } from '../http/errors.ts';
import { page, paginate } from '../http/pagination.ts';
import { clearable, currency, inRange, integer, metadata, range, text } from '../http/parameters.ts';
import { route } from '../http/route.ts';
import { mergeMetadata } from '../metadata.ts';
import { withoutUndefined } from '../params.ts';
import { changeAndEmit, emit } from '../scope.ts';

const percent = z.pipe(
  z
    .string()
    .check(z.regex(/^(?:100(?:\.0+)?|\d{1,2}(?:\.\d{1,2})?)$/, 'parameter_invalid: must be at most 100')),
  z.transform(Number),
);

export const couponRoutes = [
  route(
    'POST',
    '/v1/coupons',
    {
      id: z.optional(text(200)),
      amount_off: z.optional(integer),
      currency: z.optional(currency),
      duration: z.optional(
        z.enum(['forever', 'once', 'repeating'], 'parameter_invalid: must be forever, once or repeating'),
      ),
      duration_in_months: z.optional(integer),
      max_redemptions: z.optional(integer),
      metadata,
      name: z.optional(text(40)),
      percent_off: z.optional(percent),
    },
    (scope, input) => {
      const { amount_off: off, percent_off: share, duration = 'once', duration_in_months: months } = input;
      if ((off === undefined) === (share === undefined))
        throw invalid('Send one of amount_off and percent_off.', { param: 'percent_off' });
      if (off !== undefined && input.currency === undefined)
        throw invalid('amount_off needs a currency.', { code: 'parameter_missing', param: 'currency' });
      if ((duration === 'repeating') !== (months !== undefined))
        throw invalid('duration_in_months belongs to repeating.', { param: 'duration_in_months' });
      const coupon = scope.state.coupons.add({
        id: input.id ?? scope.newId('co'),
        object: 'coupon',
        amount_off: off ?? null,
        created: scope.now,
        currency: input.currency?.toLowerCase() ?? null,
        duration,
        duration_in_months: months ?? null,
        livemode: false,
        max_redemptions: input.max_redemptions ?? null,
        metadata: mergeMetadata({}, input.metadata),
        name: input.name ?? null,
        percent_off: share ?? null,
        redeem_by: null,
        times_redeemed: 0,
        valid: true,
      });
      emit(scope, 'coupon.created', coupon);
      return coupon;
    },
  ),
  route('GET', '/v1/coupons', { created: range, ...page }, (scope, { created, ...window }) =>
    paginate(
      '/v1/coupons',
      scope.state.coupons.newestFirst.filter((one) => inRange(one.created, created)),
      window,
    ),
  ),
  route('GET', '/v1/coupons/:id', {}, (scope, _, { id = '' }) => scope.state.coupons.get(id, 'path')),
  route(
    'POST',
    '/v1/coupons/:id',
    { name: z.optional(clearable(text(40))), metadata },
    (scope, { name, metadata }, { id = '' }) => {
      const coupon = scope.state.coupons.get(id, 'path');
      changeAndEmit(scope, 'coupon.updated', coupon, {
        ...withoutUndefined({ name }),
        metadata: mergeMetadata(coupon.metadata ?? {}, metadata),
      });
      return coupon;
    },
  ),
  route('DELETE', '/v1/coupons/:id', {}, (scope, _, { id = '' }) => {
    const coupon = scope.state.coupons.get(id, 'path');
    // Existing discounts stay; new ones are no longer possible.
    coupon.valid = false;
    emit(scope, 'coupon.deleted', coupon);
    return { id, object: 'coupon', deleted: true } satisfies Stripe.DeletedCoupon;
  }),
];
