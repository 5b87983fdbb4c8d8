import type { CustomerHead } from '../../domain/customer.ts';
import { givesPro } from '../../domain/subscription.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { decodeHead } from '../../store/heads.ts';
import { keys } from '../../store/keys.ts';
import { decodeCardTries } from '../../store/payments/card-tries.ts';
import { readTogether } from '../../store/table.ts';
import { customerGone } from '../ledger/require-item.ts';
import { askStripe } from '../payments/payment-problems.ts';
import { syncAccount } from '../plans/sync-account.ts';

/** `pro`: the card pays for Pro. `busy`: a payment with it has no outcome yet. `none`: there is no card. */
export type RemovedCard = 'removed' | 'none' | 'pro' | 'busy';

/**
 * Removes the card on file, at Stripe and here. Refused while Pro goes on or a payment is under way. A repeat
 * is safe.
 * @throws BillingError payments_unavailable, payments_misconfigured, customer_not_found, ledger_busy,
 * ledger_unavailable
 */
export async function removeCard(deps: PaymentDeps, customerId: string): Promise<RemovedCard> {
  const wanted = [keys.head(customerId), keys.cardTries(customerId)];
  const [stored, tries] = await readTogether(deps.table, wanted);
  if (stored === undefined) return customerGone();
  const head = decodeHead(stored);
  const { stripeCustomerId, cardKey } = head;
  if (stripeCustomerId === null) return 'none';
  if (proRenews(head)) return 'pro';
  const { cards } = decodeCardTries(tries);
  if (cardKey !== null && (cards[cardKey]?.underWay.length ?? 0) > 0) return 'busy';
  const stripe = await deps.stripe();
  const card = await askStripe(() => stripe.readCardDetails(stripeCustomerId));
  if (card !== null) await askStripe(() => stripe.detachCard(card.paymentMethodId));
  await askStripe(() => syncAccount(deps, customerId));
  return card === null ? 'none' : 'removed';
}

/** Without a card, a subscription that is set to end still ends as planned. */
const proRenews = ({ subscription }: CustomerHead): boolean =>
  subscription !== null && givesPro(subscription.state) && !subscription.cancelAtPeriodEnd;
