import type Stripe from 'stripe';
import * as z from 'zod/mini';
import { addPendingItem } from '../billing/pending-items.ts';
import { idOf } from '../collection.ts';
import { invalid } from '../http/errors.ts';
import { integer, type MetadataChange, metadata, text } from '../http/parameters.ts';
import { mergeMetadata } from '../metadata.ts';
import type { Scope } from '../scope.ts';

export const invoiceItems = z.optional(
  z.array(
    z.strictObject({
      price: z.optional(text()),
      price_data: z.optional(z.strictObject({ currency: text(3), product: text(), unit_amount: integer })),
      quantity: z.optional(integer),
      metadata,
    }),
  ),
);

interface Fee {
  readonly price?: string | undefined;
  readonly price_data?:
    | { readonly currency: string; readonly product: string; readonly unit_amount: number }
    | undefined;
  readonly quantity?: number | undefined;
  readonly metadata?: MetadataChange | undefined;
}

/** Adds one-time fees to the next invoice of a subscription, beside the lines of its prices. */
export function addInvoiceItems(scope: Scope, subscription: Stripe.Subscription, fees: readonly Fee[]): void {
  for (const [i, fee] of fees.entries()) {
    const quantity = fee.quantity ?? 1;
    const { price, unitAmount, name } = pricedFee(scope, fee, `add_invoice_items[${i}][price]`);
    addPendingItem(scope, {
      customer: idOf(subscription.customer) ?? '',
      amount: unitAmount * quantity,
      currency: subscription.currency,
      description: name,
      metadata: mergeMetadata({}, fee.metadata),
      price,
      quantity,
      subscription: subscription.id,
    });
  }
}

/** The total of the fees, in cents. */
export const feesOf = (scope: Scope, fees: readonly Fee[]): number =>
  fees.reduce((sum, fee, i) => {
    const { unitAmount } = pricedFee(scope, fee, `add_invoice_items[${i}][price]`);
    return sum + unitAmount * (fee.quantity ?? 1);
  }, 0);

/**
 * The price of one fee: a one-time price, or an amount for a product. @throws Refusal for a recurring price.
 */
export function pricedFee(scope: Scope, fee: Pick<Fee, 'price' | 'price_data'>, param: string) {
  if (fee.price_data !== undefined) {
    const product = scope.state.products.get(fee.price_data.product, { param });
    return { price: undefined, unitAmount: fee.price_data.unit_amount, name: product.name };
  }
  if (fee.price === undefined)
    throw invalid(`Missing required param: ${param}.`, { code: 'parameter_missing', param });
  const price = scope.state.prices.get(fee.price, { param });
  if (price.recurring !== null) {
    throw invalid('The price specified is set to type=recurring but this field only accepts type=one_time.', {
      param,
    });
  }
  return { price, unitAmount: price.unit_amount ?? 0, name: price.nickname ?? price.id };
}
