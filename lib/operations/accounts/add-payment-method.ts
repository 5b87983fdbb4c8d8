import type { CustomerHead } from '../../domain/customer.ts';
import { billingConsent, type ConsentOrigin } from '../../domain/evidence/billing-consent.ts';
import { grant } from '../../domain/grants.ts';
import type { Notice } from '../../domain/notice.ts';
import { cardChanged } from '../../domain/notices/card-notices.ts';
import { newReminders } from '../../domain/notices/reminders.ts';
import { GRANTED_CREDITS } from '../../domain/pricing.ts';
import { isOver, planWith } from '../../domain/subscription.ts';
import { BillingError } from '../../errors.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { keepConsent } from '../../store/evidence/consents.ts';
import { spendCardBonus } from '../../store/guards.ts';
import { readHead } from '../../store/heads.ts';
import { type Key, keys } from '../../store/keys.ts';
import { putNotice, scheduleNotice } from '../../store/notices.ts';
import { bindStripeId, decodeOwner } from '../../store/owners.ts';
import type { Item, Write } from '../../store/table.ts';
import { isFault, NOT_A_CARD } from '../../stripe/fault.ts';
import type { AttachedCard, DefaultCard } from '../../stripe/port.ts';
import { changeLedger } from '../ledger/change-ledger.ts';
import { accountClosed } from '../ledger/require-item.ts';
import { skipWait } from '../payments/card-tries.ts';
import { askStripe, cardDeclined, paymentsFault } from '../payments/payment-problems.ts';
import { noneIfOpen, payRenewal, type RenewalOutcome } from '../plans/pay-renewal.ts';
import { cardOnFile, syncAccount } from '../plans/sync-account.ts';
import { clearSubscriptionCards } from '../plans/use-default-card.ts';
import { stripeCustomerOf, withStripeCustomer } from './stripe-customer.ts';

export interface AddedPaymentMethod {
  readonly head: CustomerHead;
  /** 0 if the customer or the card has had the bonus. */
  readonly bonusCredits: number;
  /** Another call has closed the card's source, so this call changed nothing here. */
  readonly isRepeat?: true;
}

export interface AddedCard extends AddedPaymentMethod {
  /** The outcome of an open renewal, which the new card pays. */
  readonly renewal: RenewalOutcome['kind'];
}

/** Where a card comes from, if not from a call: it is put on file only while the source is open. */
export interface CardSource {
  readonly key: Key;
  readonly isOpen: (item: Item | undefined) => boolean;
  /** Closes the source, in the transaction that puts the card on file. */
  readonly close: (bonusCredits: number) => Write;
}

interface BonusView {
  readonly isOpen: boolean;
  readonly customerHadIt: boolean;
  /** The customer who got the bonus for this card. */
  readonly cardOwner: string | null;
}

/**
 * Puts a card on file: first at Stripe, as the default card, then here, with the bonus if it is due. After a
 * crash in between, the next call continues with the card at Stripe. A customer on Pro stays on Pro: the card
 * replaces a subscription's own card, and pays an open renewal. Idempotent.
 * @param consent where the cardholder's consent came from; stored with the card, in the same transaction
 * @param source closed in the same transaction
 * @throws BillingError account_closed, card_declined, payment_method_invalid, payments_unavailable,
 * payments_misconfigured, ledger_busy, ledger_unavailable
 */
export async function addPaymentMethod(
  deps: PaymentDeps,
  head: CustomerHead,
  paymentMethodId: string,
  consent?: ConsentOrigin,
  source?: CardSource,
): Promise<AddedCard> {
  const { customerId } = head;
  const onFile = await putOnFile(deps, head, paymentMethodId).catch(async (error: unknown) => {
    // The customer may have been deleted at Stripe while the event about it is still on its way.
    if (!(error instanceof BillingError) || error.code !== 'payment_method_invalid') throw error;
    const { head: now } = await askStripe(() => syncAccount(deps, customerId));
    if (now.stripeCustomerId !== null) throw error;
    return putOnFile(deps, now, paymentMethodId);
  });
  const { card } = onFile;

  const { answer } = await changeLedger<BonusView, AddedPaymentMethod, DefaultCard | null>(deps, {
    customerId,
    relatedKeys: [
      keys.once(customerId, 'card_bonus', 'first'),
      ...(source === undefined ? [] : [source.key]),
      ...(card.fingerprint === null ? [] : [keys.card(card.fingerprint)]),
    ],
    decodeRelated: ([bonus, ...others]) => {
      const [owner] = source === undefined ? others : others.slice(1);
      return {
        isOpen: source === undefined || source.isOpen(others[0]),
        customerHadIt: bonus !== undefined,
        cardOwner: owner === undefined ? null : decodeOwner(owner),
      };
    },
    // Stripe's answer is stale if an event has changed the head since: the card may have been removed again.
    fetchCurrent: ({ head: now }) => usableCard(deps, onFile, now),
    decide: ({ head: now, related: { isOpen, customerHadIt, cardOwner } }, usable) => {
      if (!isOpen) return { kind: 'done', answer: { head: now, bonusCredits: 0, isRepeat: true } };
      if (now.closedAt !== null) throw accountClosed(customerId);
      if (!usable) throw methodInvalid();
      const { fingerprint } = card;
      const isDue = !customerHadIt && cardOwner === null && fingerprint !== null;
      const bonusCredits = isDue ? GRANTED_CREDITS.firstPaymentMethod : 0;
      const bonus = isDue
        ? grant(now, bonusCredits, 'trial_billing_added', {
            card_fingerprint: fingerprint,
          })
        : { postings: [], debt: now.debt };
      return {
        kind: 'write',
        postings: bonus.postings,
        profile: {
          ...cardOnFile(usable),
          subscriptionType: planWith(now.subscription, 'pay_as_you_go'),
          debt: bonus.debt,
        },
        writes: (_, at) => [
          ...noticeOf(cardChanged(now, usable.paymentMethodId, at, bonusCredits)),
          ...newReminders(now, { ...now, ...cardOnFile(usable) }, at).map(({ notice, sendAt }) =>
            scheduleNotice(notice, sendAt),
          ),
          bindStripeId(usable.paymentMethodId, customerId),
          ...(consent ? [keepConsent(customerId, billingConsent(card.paymentMethodId, consent, at))] : []),
          ...(isDue ? spendCardBonus(customerId, fingerprint) : []),
          ...(source === undefined ? [] : [source.close(bonusCredits)]),
        ],
        answer: ({ head: after }) => ({ head: after, bonusCredits }),
      };
    },
  });
  // The call that closed the source does the rest.
  if (answer.isRepeat) return { ...answer, renewal: 'none' };
  // A person has just added this card, so it skips the wait after a decline. If that fails, the card stays on
  // file.
  await skipWait(deps, customerId, card).catch(noneIfOpen);
  return { ...answer, ...(await renewWith(deps, answer.head)) };
}

const noticeOf = (notice: Notice | null) => (notice === null ? [] : [putNotice(notice)]);

/** The card stays on file even if paying a renewal with it fails. */
async function renewWith(
  deps: PaymentDeps,
  head: CustomerHead,
): Promise<{ readonly head: CustomerHead; readonly renewal: RenewalOutcome['kind'] }> {
  const { customerId, subscription } = head;
  if (subscription === null || isOver(subscription.state)) return { head, renewal: 'none' };
  try {
    const { account } = await syncAccount(deps, customerId);
    await clearSubscriptionCards(deps, account);
    const { kind } = await payRenewal(deps, customerId, true);
    return { head: (await readHead(deps.table, customerId)) ?? head, renewal: kind };
  } catch (error) {
    // The card was declined before, and its bank or its budget allows no further try now.
    const isRefused = error instanceof BillingError && error.code === 'card_declined';
    return { head, renewal: isRefused ? 'declined' : noneIfOpen(error).kind };
  }
}

interface OnFile {
  readonly card: AttachedCard;
  /** The customer when Stripe was asked. */
  readonly owner: CustomerHead;
}

/** The card that can be charged now. If the head has changed since, it may be another card, or none. */
async function usableCard(
  deps: PaymentDeps,
  { card, owner }: OnFile,
  { revision, stripeCustomerId }: CustomerHead,
): Promise<DefaultCard | null> {
  if (revision === owner.revision) return card;
  if (stripeCustomerId === null) return null;
  const account = await askStripe(async () => (await deps.stripe()).readAccount(stripeCustomerId));
  return account.kind === 'account' ? account.card : null;
}

async function putOnFile(deps: PaymentDeps, head: CustomerHead, paymentMethodId: string): Promise<OnFile> {
  const owner = await withStripeCustomer(deps, head);
  const stripeCustomerId = stripeCustomerOf(owner);
  const stripe = await deps.stripe();
  try {
    const card = await stripe.attachCard(stripeCustomerId, paymentMethodId);
    await stripe.makeDefault(stripeCustomerId, card.paymentMethodId);
    return { card, owner };
  } catch (error) {
    if (isFault(error, 'declined', 'authentication_required')) {
      const { code = 'card_declined', declineCode = null } = error.facts;
      throw cardDeclined({ code, declineCode }, 'Nothing was charged. Add another card.');
    }
    if (isFault(error, 'refused')) throw error.facts.code === NOT_A_CARD ? notACard() : methodInvalid();
    throw paymentsFault(error);
  }
}

function notACard(): BillingError {
  const detail = 'Only cards can be put on file. Collect a card with Stripe.js and send its payment method.';
  return new BillingError('payment_method_invalid', detail, {
    errors: [{ field: 'payment_method_id', message: 'is not a card' }],
  });
}

function methodInvalid(): BillingError {
  const message = 'is not a payment method that can be used here';
  const detail =
    'The payment method does not exist, belongs to another customer, or was already used. Collect the ' +
    'card again.';
  return new BillingError('payment_method_invalid', detail, {
    errors: [{ field: 'payment_method_id', message }],
  });
}
