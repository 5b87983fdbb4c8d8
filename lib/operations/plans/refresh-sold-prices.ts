import { SOLD_PLANS, type SoldPlan } from '../../domain/plans.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { putSoldPrice, readSoldPrice, type StoredSoldPrice } from '../../store/payments/sold-prices.ts';
import { UnreadableItem } from '../../store/record.ts';

/**
 * Copies the price at Stripe that each plan is sold at into the table, where calls that do not ask Stripe find it. Writes only
 * what has changed. Never throws: a plan whose price cannot be read keeps its stored price, and the next run tries again.
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
  // Before Stripe is asked: what another run stores after this moment may be newer than Stripe's answer to this one.
  const found = await readSoldPrice(deps.table, plan);
  const { id: priceId, unitCents: monthCents, credits } = await (await deps.stripe()).soldPrice(plan);
  const price: StoredSoldPrice = { priceId, monthCents, credits };
  if (found !== null && !(found instanceof UnreadableItem) && isSame(found, price)) return;
  const { kind } = await putSoldPrice(deps.table, plan, price, found);
  if (kind === 'written') deps.report({ kind: 'sold_price_changed', plan, ...price });
}

const isSame = (one: StoredSoldPrice, other: StoredSoldPrice): boolean =>
  one.priceId === other.priceId && one.monthCents === other.monthCents && one.credits === other.credits;
