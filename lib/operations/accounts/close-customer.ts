import type { CustomerHead } from '../../domain/customer.ts';
import type { FixAttempt, FixCharge } from '../../domain/fix-attempt.ts';
import { accountClosed } from '../../domain/notices/account-notices.ts';
import { BillingError } from '../../errors.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { markClosingDone, noteCleared, openClosing, openClosingOf } from '../../store/closing.ts';
import { readHead } from '../../store/heads.ts';
import { keys } from '../../store/keys.ts';
import { putNotice } from '../../store/notices.ts';
import { isOpenOrder, readOrder } from '../../store/orders.ts';
import { forgetEmail } from '../../store/owners.ts';
import { readTogether } from '../../store/table.ts';
import { closeCharge, finishCharge } from '../fixes/charge-fix.ts';
import { settleFixPayment } from '../fixes/record-payment.ts';
import { changeLedger } from '../ledger/change-ledger.ts';
import { askStripe } from '../payments/payment-problems.ts';
import { cancelSubscription } from '../plans/cancel-subscription.ts';
import { finishOrderUnattended } from '../plans/finish-order.ts';
import { syncAccount } from '../plans/sync-account.ts';
import { revokeAllKeys } from './api-keys.ts';
import { clearFixes, eachPageOfFixes, type Searched } from './clear-fixes.ts';

/** This many fixes are cleared well within a function's timeout. The sweeper clears the rest in passes. */
const FIXES_PER_PASS = 5_000;

export interface Closed {
  /** The account was closed before; this call did what was left to do. */
  readonly already: boolean;
  readonly closedAt: string;
  /** Credits that remain in the ledger; they cannot be spent. */
  readonly balance: number;
}

/**
 * Closes an account: revokes its keys, finishes open work, cancels the subscription now, and removes the
 * cards and all personal data here and at Stripe. The ledger stays as it is, so its sums still hold.
 * Idempotent: after a failure, the next call continues. Once the account is marked as closed, the sweeper
 * repeats all of it (`finishClosing`).
 * @throws BillingError customer_not_found, payment_pending (a charge is undecided: repeat later),
 * payments_unavailable, payments_misconfigured, ledger_busy, ledger_unavailable
 */
export async function closeCustomer(deps: PaymentDeps, customerId: string): Promise<Closed> {
  // The subscription and open charges must end while their account still exists.
  await endActivity(deps, customerId);
  const { email } = await requireCustomer(deps, customerId);
  const closed = await anonymise(deps, customerId);
  // `finishClosing` clears the rest of a long history.
  await endAndClear(deps, customerId, email, null);
  return closed;
}

/**
 * Finishes a closing minutes later: removes what a request in flight at that time left behind, because the
 * request could not see the closing, and clears the remaining fixes. Does nothing if the closing is done.
 * Idempotent.
 * @throws BillingError as `closeCustomer`
 */
export async function finishClosing(deps: PaymentDeps, customerId: string): Promise<void> {
  const [item] = await readTogether(deps.table, [keys.closing(customerId)]);
  const closing = openClosingOf(item);
  if (closing === null) return;
  const { email, clearedTo } = closing;
  const cleared = await endAndClear(deps, customerId, email, clearedTo);
  if (cleared.kind === 'all') await markClosingDone(deps.table, customerId);
  else await noteCleared(deps.table, customerId, cleared.after, deps.now());
}

/** With a place to continue from, only the remaining fixes are cleared. */
async function endAndClear(
  deps: PaymentDeps,
  customerId: string,
  email: string,
  clearedTo: string | null,
): Promise<Searched> {
  if (clearedTo === null) {
    await endActivity(deps, customerId);
    await anonymiseUnbound(deps, customerId, email);
  }
  const part = { from: clearedTo, most: FIXES_PER_PASS };
  return eachPageOfFixes(deps, customerId, part, async (fixes) => {
    await finishCharges(deps, customerId, fixes);
    await clearFixes(deps, customerId, fixes);
  });
}

/** Includes a Stripe customer that a request created but did not bind before it crashed. */
async function anonymiseUnbound(deps: PaymentDeps, customerId: string, email: string): Promise<void> {
  if (email === '') return;
  const stripe = await deps.stripe();
  for (const id of await askStripe(() => stripe.findCustomers({ customerId, email }))) {
    await askStripe(() => stripe.anonymiseCustomer(id));
  }
}

async function requireCustomer(deps: PaymentDeps, customerId: string): Promise<CustomerHead> {
  const head = await readHead(deps.table, customerId);
  if (head === null) throw new BillingError('customer_not_found', `There is no customer ${customerId}.`);
  return head;
}

/** Keys first, so that no new work starts. */
async function endActivity(deps: PaymentDeps, customerId: string): Promise<void> {
  await revokeAllKeys(deps, customerId);
  await finishOpenWork(deps, customerId);
  const { stripeCustomerId } = await requireCustomer(deps, customerId);
  if (stripeCustomerId !== null) await endStripeAccount(deps, customerId, stripeCustomerId);
}

/**
 * An order is not sent again: its subscription would be paid for and then canceled at once. The open charges
 * of a long history are found later, by the passes that clear its fixes.
 */
async function finishOpenWork(deps: PaymentDeps, customerId: string): Promise<void> {
  const order = await readOrder(deps.table, customerId);
  if (isOpenOrder(order)) await finishOrderUnattended(deps, customerId, order, 'never');
  const part = { from: null, most: FIXES_PER_PASS };
  await eachPageOfFixes(deps, customerId, part, (fixes) => finishCharges(deps, customerId, fixes));
}

/**
 * An announced charge is made, because its fix was merged. A charge that the cardholder could still confirm
 * is canceled.
 */
async function finishCharges(
  deps: PaymentDeps,
  customerId: string,
  fixes: readonly FixAttempt[],
): Promise<void> {
  for (const fix of fixes) {
    const { charge } = fix;
    if (charge?.state === 'charging') await finishCharge(deps, customerId, fix, charge);
    else if (charge?.state === 'action_required') await cancelCharge(deps, customerId, fix, charge);
  }
}

async function cancelCharge(
  deps: PaymentDeps,
  customerId: string,
  fix: FixAttempt,
  charge: FixCharge,
): Promise<void> {
  const { paymentIntentId } = charge;
  const stripe = await deps.stripe();
  const payment =
    paymentIntentId === null ? null : await askStripe(() => stripe.cancelPayment(paymentIntentId));
  if (payment === null) await closeCharge(deps, customerId, fix, charge);
  else await settleFixPayment(deps, payment);
}

/** Stripe keeps the customer and payments, without name and card, so that the money can still be compared. */
async function endStripeAccount(
  deps: PaymentDeps,
  customerId: string,
  stripeCustomerId: string,
): Promise<void> {
  const { head } = await askStripe(() => syncAccount(deps, customerId));
  if (head.subscription !== null) await cancelSubscription(deps, customerId, false);
  const stripe = await deps.stripe();
  await askStripe(() => stripe.anonymiseCustomer(stripeCustomerId));
  await askStripe(() => syncAccount(deps, customerId));
}

/**
 * Frees the e-mail address and stores the remaining work, in the transaction that deletes the address. The
 * remaining work keeps the address until it is done, so the letter about the closing has minutes to be sent.
 */
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
        profile: {
          ...{ name: '', email: '', emailState: 'unconfirmed', newEmail: null, mutedNotices: [] },
          ...{ paymentMethodId: null, cardKey: null, cardExpires: null, closingAskedAt: null, closedAt },
        },
        writes: (_, at) => [
          forgetEmail(head.email, customerId),
          openClosing(customerId, head.email, at),
          putNotice(accountClosed(head, at)),
        ],
        answer: ({ head: { balance } }) => ({ already: false, closedAt, balance }),
      };
    },
  });
  return answer;
}
