import type Stripe from 'stripe';
import * as z from 'zod/mini';
import { idOf } from '../collection.ts';
import { invalid } from '../http/errors.ts';
import { clearable, text } from '../http/parameters.ts';
import { change, type Scope } from '../scope.ts';
import { plusMonths } from './periods.ts';

export const discountsParameter = z.optional(
  clearable(z.array(z.strictObject({ coupon: z.optional(text()), discount: z.optional(text()) }))),
);

type Wanted = readonly { readonly coupon?: string | undefined; readonly discount?: string | undefined }[];

interface Holder {
  readonly customer: string;
  readonly subscription: string | null;
  readonly invoice: string | null;
}

/** The ids of discounts: existing ones, and new ones for coupons. */
export function discountsOf(scope: Scope, wanted: Wanted, holder: Holder): string[] {
  return wanted.map(({ coupon, discount }, i) => {
    if (discount !== undefined)
      return scope.state.discounts.get(discount, { param: `discounts[${i}][discount]` }).id;
    const param = `discounts[${i}][coupon]`;
    const found = scope.state.coupons.get(coupon ?? '', { param });
    if (!found.valid) throw invalid(`Coupon expired: ${found.id}`, { code: 'coupon_expired', param });
    return redeem(scope, found, holder).id;
  });
}

function redeem(scope: Scope, coupon: Stripe.Coupon, holder: Holder): Stripe.Discount {
  const months = coupon.duration_in_months;
  const used = coupon.times_redeemed + 1;
  change(coupon, {
    times_redeemed: used,
    valid: coupon.max_redemptions === null || used < coupon.max_redemptions,
  });
  return scope.state.discounts.add({
    id: scope.newId('di'),
    object: 'discount',
    checkout_session: null,
    customer_account: null,
    end: months === null ? null : plusMonths(scope.now, months),
    invoice_item: null,
    promotion_code: null,
    source: { coupon: coupon.id, type: 'coupon' },
    start: scope.now,
    subscription_item: null,
    ...holder,
  });
}

/** A subscription's discounts for its next invoice. A discount for one invoice is used up. */
export function takeDiscounts(scope: Scope, subscription: Stripe.Subscription): string[] {
  const ids = subscription.discounts.flatMap((one) => idOf(one) ?? []);
  const current = ids.filter((id) => {
    const end = scope.state.discounts.find(id)?.end ?? null;
    return end === null || end > scope.now;
  });
  subscription.discounts = current.filter((id) => {
    const coupon = idOf(scope.state.discounts.find(id)?.source.coupon);
    return scope.state.coupons.find(coupon)?.duration !== 'once';
  });
  return current;
}
