import type { CustomerHead } from '../../domain/customer.ts';
import { BillingError } from '../../errors.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { listApiKeys } from '../../store/api-keys.ts';
import { endClosing, noteCleared, openClosing, openClosingOf } from '../../store/closing.ts';
import { readOpenCharges } from '../../store/fix-attempts.ts';
import { readHead } from '../../store/heads.ts';
import { keys } from '../../store/keys.ts';
import { readOrder } from '../../store/orders.ts';
import { forgetEmail } from '../../store/owners.ts';
import { UnreadableItem } from '../../store/record.ts';
import { readTogether } from '../../store/table.ts';
import { closeCharge, finishCharge } from '../fixes/charge-fix.ts';
import { settleFixPayment } from '../fixes/record-payment.ts';
import { changeLedger } from '../ledger/change-ledger.ts';
import { askStripe } from '../payments/payment-problems.ts';
import { cancelSubscription } from '../plans/cancel-subscription.ts';
import { finishOrderUnattended } from '../plans/finish-order.ts';
import { syncAccount } from '../plans/sync-account.ts';
import { revokeKey } from './api-keys.ts';
import { type Cleared, clearFixes } from './clear-fixes.ts';

/** As many as are cleared well within the time of a function; the sweeper clears the rest, so many at a time. */
const FIXES_PER_PASS = 5_000;

export interface Closed {
  /** It was closed before; what was left to do then is done. */
  readonly already: boolean;
  readonly closedAt: string;
  /** Credits that are left in the ledger; nobody can spend them. */
  readonly balance: number;
}

/**
 * Closes an account: ends its keys, finishes what is under way, cancels the subscription now, takes the cards and everything
 * personal away here and at Stripe. The ledger stays as it is, so it goes on adding up. Safe to repeat: after a failure the
 * next call goes on from there. Once the account is marked as closed, the sweeper does all of it once more (`finishClosing`).
 * @throws BillingError customer_not_found, payment_pending (a charge is not decided yet: repeat it later),
 * payments_unavailable, payments_misconfigured, ledger_busy, ledger_unavailable
 */
export async function closeCustomer(deps: PaymentDeps, customerId: string): Promise<Closed> {
  // The subscription and an open charge have to end while there is still an account that they belong to.
  await endEverything(deps, customerId);
  const { email } = await existing(deps, customerId);
  const closed = await anonymise(deps, customerId);
  // What is left of a long history is for `finishClosing`.
  await takeAway(deps, customerId, email, null);
  return closed;
}

/**
 * Takes away, from an account that was closed minutes ago, what a request of before had under way: it could not see that the
 * account was being closed, and may have died. Does nothing where that is done. Safe to repeat.
 * @throws BillingError as `closeCustomer`
 */
export async function finishClosing(deps: PaymentDeps, customerId: string): Promise<void> {
  const [item] = await readTogether(deps.table, [keys.closing(customerId)]);
  const closing = openClosingOf(item);
  if (closing === null) return;
  const { email, clearedTo } = closing;
  const cleared = await takeAway(deps, customerId, email, clearedTo);
  if (cleared.kind === 'all') await endClosing(deps.table, customerId);
  else await noteCleared(deps.table, customerId, cleared.after, deps.now());
}

/** With a place to continue from, only the rest of the fixes is left to do. */
async function takeAway(
  deps: PaymentDeps,
  customerId: string,
  email: string,
  clearedTo: string | null,
): Promise<Cleared> {
  if (clearedTo === null) {
    await endEverything(deps, customerId);
    await forgetAtStripe(deps, customerId, email);
  }
  return clearFixes(deps, customerId, clearedTo, FIXES_PER_PASS);
}

/** Also whom a request made at Stripe just before it died, and nobody bound. */
async function forgetAtStripe(deps: PaymentDeps, customerId: string, email: string): Promise<void> {
  if (email === '') return;
  const stripe = await deps.stripe();
  for (const id of await askStripe(() => stripe.findCustomers({ customerId, email }))) {
    await askStripe(() => stripe.anonymiseCustomer(id));
  }
}

async function existing(deps: PaymentDeps, customerId: string): Promise<CustomerHead> {
  const head = await readHead(deps.table, customerId);
  if (head === null) throw new BillingError('customer_not_found', `There is no customer ${customerId}.`);
  return head;
}

/** Keys first, so that nothing new begins. */
async function endEverything(deps: PaymentDeps, customerId: string): Promise<void> {
  for (const { keyId, revokedAt } of await listApiKeys(deps.table, customerId)) {
    if (revokedAt === null) await revokeKey(deps, customerId, keyId);
  }
  await finishWhatIsOpen(deps, customerId);
  const { stripeCustomerId } = await existing(deps, customerId);
  if (stripeCustomerId !== null) await leaveStripe(deps, customerId, stripeCustomerId);
}

/**
 * A charge that was announced is made: its fix was merged. One that the cardholder could still confirm is ended. An order is not
 * sent again, because its subscription would be paid for and ended at once.
 */
async function finishWhatIsOpen(deps: PaymentDeps, customerId: string): Promise<void> {
  const order = await readOrder(deps.table, customerId);
  if (order?.state === 'ordering') await finishOrderUnattended(deps, customerId, order, 'never');
  for (const fix of await readOpenCharges(deps.table, customerId)) {
    if (fix instanceof UnreadableItem) throw fix;
    const { charge } = fix;
    if (charge === null) continue;
    if (charge.state === 'charging') {
      await finishCharge(deps, customerId, fix, charge);
      continue;
    }
    const { paymentIntentId } = charge;
    const stripe = await deps.stripe();
    const payment =
      paymentIntentId === null ? null : await askStripe(() => stripe.cancelPayment(paymentIntentId));
    if (payment === null) await closeCharge(deps, customerId, fix, charge);
    else await settleFixPayment(deps, payment);
  }
}

/** Stripe keeps the customer and their payments, without a name and without a card, so that money can still be compared. */
async function leaveStripe(deps: PaymentDeps, customerId: string, stripeCustomerId: string): Promise<void> {
  const { head } = await askStripe(() => syncAccount(deps, customerId));
  if (head.subscription !== null) await cancelSubscription(deps, customerId, false);
  const stripe = await deps.stripe();
  await askStripe(() => stripe.anonymiseCustomer(stripeCustomerId));
  await askStripe(() => syncAccount(deps, customerId));
}

/** Frees the address in the transaction that forgets it, and says in it that the rest is still to do. */
async function anonymise(deps: PaymentDeps, customerId: string): Promise<Closed> {
  const closedAt = deps.now().toISOString();
  const { answer } = await changeLedger<null, Closed>(deps, {
    customerId,
    relatedKeys: [],
    decodeRelated: () => null,
    decide: ({ head }) => {
      if (head.closedAt !== null) {
        const { closedAt: before, balance } = head;
        return { kind: 'done', answer: { already: true, closedAt: before, balance } };
      }
      return {
        kind: 'write',
        profile: { name: '', email: '', paymentMethodId: null, cardKey: null, mutedNotices: [], closedAt },
        writes: (_, at) => [forgetEmail(head.email, customerId), openClosing(customerId, head.email, at)],
        answer: ({ head: { balance } }) => ({ already: false, closedAt, balance }),
      };
    },
  });
  return answer;
}
