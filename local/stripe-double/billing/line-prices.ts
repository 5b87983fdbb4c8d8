import type Stripe from 'stripe';
import { idOf } from '../collection.ts';
import type { Scope } from '../scope.ts';
import { shareOut } from './share-out.ts';

type Line = Stripe.InvoiceLineItem;

const sum = (amounts: readonly number[]): number => amounts.reduce((total, one) => total + one, 0);

/** Discounts, then taxes, of every line of a draft, and the resulting totals. All in cents. */
export function priceInvoice(scope: Scope, invoice: Stripe.Invoice): void {
  const lines = invoice.lines.data;
  for (const line of lines) line.discount_amounts = [];
  for (const id of invoice.discounts.map(idOf)) discountLines(scope, lines, id ?? '');
  for (const line of lines) line.taxes = taxesOf(scope, line);
  const subtotal = sum(lines.map(({ amount }) => amount));
  const discounted = subtotal - sum(lines.map(discountOf));
  const taxes = lines.flatMap((line) => line.taxes ?? []);
  const inclusive = sum(taxes.filter((tax) => tax.tax_behavior === 'inclusive').map(({ amount }) => amount));
  const exclusive = sum(taxes.map(({ amount }) => amount)) - inclusive;
  const total = discounted + exclusive;
  Object.assign(invoice, {
    amount_due: Math.max(total, 0),
    amount_remaining: Math.max(total, 0),
    subtotal,
    subtotal_excluding_tax: subtotal - inclusive,
    total,
    total_excluding_tax: discounted - inclusive,
    total_discount_amounts: totalDiscounts(lines),
    total_taxes: taxes,
  } satisfies Partial<Stripe.Invoice>);
}

const discountOf = ({ discount_amounts: discounts }: Line): number =>
  sum((discounts ?? []).map(({ amount }) => amount));

/** A line's amount after discounts, in cents and without tax. */
export const netOf = (line: Line): number => line.amount - discountOf(line);

function totalDiscounts(lines: readonly Line[]): Stripe.Invoice.TotalDiscountAmount[] {
  const totals = new Map<string, number>();
  for (const { discount, amount } of lines.flatMap((line) => line.discount_amounts ?? [])) {
    const id = idOf(discount) ?? '';
    totals.set(id, (totals.get(id) ?? 0) + amount);
  }
  return [...totals].map(([discount, amount]) => ({ discount, amount }));
}

/** A discount reduces sold lines, not credits. */
function discountLines(scope: Scope, lines: readonly Line[], discountId: string): void {
  const coupon = scope.state.coupons.find(idOf(scope.state.discounts.find(discountId)?.source.coupon));
  const sold = lines.filter((line) => line.discountable && netOf(line) > 0);
  if (coupon === undefined || sold.length === 0) return;
  const nets = sold.map(netOf);
  const off = coupon.percent_off === null ? Math.min(coupon.amount_off ?? 0, sum(nets)) : null;
  const shares = off === null ? null : shareOut(off, nets);
  for (const [i, line] of sold.entries()) {
    const amount = shares?.[i] ?? Math.round(((nets[i] ?? 0) * (coupon.percent_off ?? 0)) / 100);
    if (amount > 0)
      line.discount_amounts = [...(line.discount_amounts ?? []), { amount, discount: discountId }];
  }
}

function taxesOf(scope: Scope, line: Line): Line['taxes'] {
  const { tax } = scope.state;
  const net = netOf(line);
  if (tax === null || net === 0) return [];
  const inclusive = tax.behavior === 'inclusive';
  const amount = Math.round(inclusive ? net - net / (1 + tax.percent / 100) : (net * tax.percent) / 100);
  return [
    {
      amount,
      tax_behavior: tax.behavior,
      tax_rate_details: { tax_rate: 'txr_double' },
      taxability_reason: 'standard_rated',
      taxable_amount: inclusive ? net - amount : net,
      type: 'tax_rate_details',
    },
  ];
}
