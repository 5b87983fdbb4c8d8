import { SOLD_PLANS, type SoldPlan } from '../../domain/plans.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { putSoldPrice, readSoldPrice, type StoredSoldPrice } from '../../store/payments/sold-prices.ts';
import { UnreadableItem } from '../../store/record.ts';

/**
 * Copies the price at which each plan is sold from Stripe into the table, for calls that do not ask Stripe.
 * Writes only changes. Never throws: if a price cannot be read, the stored one stays until the next run.
 */
export async function refreshSoldPrices(deps: PaymentDeps): Promise<void> {
  for (const plan of SOLD_PLANS) {
    try {
      await refreshSoldPrice(deps, plan);
    } catch (error) {
      deps.report({ kind: 'sold_price_not_read', plan, error });
    }
  }
}

async function refreshSoldPrice(deps: PaymentDeps, plan: SoldPlan): Promise<void> {
  // Read before asking Stripe: a price that another run stores after this read may be newer than our answer.
  const found = await readSoldPrice(deps.table, plan);
  const { id: priceId, unitCents: monthCents, credits } = await (await deps.stripe()).soldPrice(plan);
  const price: StoredSoldPrice = { priceId, monthCents, credits };
  if (found !== null && !(found instanceof UnreadableItem) && isSame(found, price)) return;
  const { kind } = await putSoldPrice(deps.table, plan, price, found);
  if (kind === 'written') deps.report({ kind: 'sold_price_changed', plan, ...price });
}

const isSame = (one: StoredSoldPrice, other: StoredSoldPrice): boolean =>
  one.priceId === other.priceId && one.monthCents === other.monthCents && one.credits === other.credits;
