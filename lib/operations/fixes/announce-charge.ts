import type { CustomerHead } from '../../domain/customer.ts';
import { chargeTexts, type FixAttempt, type FixCharge, tryOf } from '../../domain/fix-attempt.ts';
import { cardKeyOf } from '../../domain/payments/card-tries.ts';
import { limitShareReached } from '../../domain/payments/limit-notices.ts';
import { newlyReached, type Spending } from '../../domain/payments/spending.ts';
import { BillingError } from '../../errors.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { announceCharge } from '../../store/fix-attempts.ts';
import { putNotice } from '../../store/notices.ts';
import { reserveSpending } from '../../store/payments/spending.ts';
import type { Write } from '../../store/table.ts';
import type { LedgerDecision } from '../ledger/change-ledger.ts';
import { admission, reserveTry } from '../payments/card-tries.ts';
import type { Payable } from '../payments/payable.ts';

/** When the charge is requested, and whether by a person: that skips the wait after a decline. */
export interface BillingRequest {
  readonly at: Date;
  readonly byPerson: boolean;
}

/** The outcome of announcing a charge. */
export type Announced =
  | {
      readonly kind: 'charge';
      readonly fix: FixAttempt;
      readonly charge: FixCharge;
      readonly balance: number;
      /** This call announced the charge. */
      readonly isFresh: true;
    }
  /** The card was declined before and is not tried now. `retryAt` is null if only another card helps. */
  | {
      readonly kind: 'not_tried';
      readonly code: string;
      readonly retryAt: Date | null;
      readonly at: Date;
      readonly balance: number;
    }
  /** Stripe and the head have different cards, so nothing was announced. */
  | { readonly kind: 'card_changed' }
  /** The card has its maximum of tries without an outcome. */
  | { readonly kind: 'card_busy' };

/**
 * Decides whether to announce a charge: not if the card has changed, or if its budget allows no try now.
 * Pure.
 */
export function decideAnnouncement(
  { customerId, balance, spendingLimitCents, email }: CustomerHead,
  fix: FixAttempt,
  wanted: FixCharge,
  { card, tries, spending, mailsReceipts }: Payable,
  { at, byPerson }: BillingRequest,
): LedgerDecision<Announced> {
  if (card?.paymentMethodId !== wanted.paymentMethodId) {
    return { kind: 'done', answer: { kind: 'card_changed' } };
  }
  const cardKey = cardKeyOf(card);
  const admitted = admission(tries, cardKey, at, byPerson);
  if (admitted.kind === 'busy') return { kind: 'done', answer: { kind: 'card_busy' } };
  if (admitted.kind === 'refused') {
    const { code, retryAt } = admitted;
    return { kind: 'done', answer: { kind: 'not_tried', code, retryAt, at, balance } };
  }
  const texts = chargeTexts(fix, mailsReceipts && email !== '' ? email : null);
  const charge = { ...wanted, cardKey, texts };
  const { id } = tryOf(fix, charge);
  return {
    kind: 'write',
    writes: (_, announcedAt) => [
      announceCharge(customerId, fix, charge),
      reserveTry(customerId, tries, { cardKey, id }, announcedAt),
      ...reserve(customerId, charge, spendingLimitCents, spending, announcedAt),
    ],
    answer: () => ({ kind: 'charge', fix: { ...fix, charge }, charge, balance, isFresh: true }),
  };
}

/** Reserves the charge in its month, with a letter if that reaches another share of the limit. */
function reserve(
  customerId: string,
  { amountCents }: FixCharge,
  limitCents: number | null,
  spending: Spending,
  at: Date,
): Write[] {
  const percent = newlyReached(limitCents, spending, amountCents);
  const reserved = reserveSpending(customerId, spending, { amountCents, limitCents }, percent);
  if (percent === null || limitCents === null) return [reserved];
  const reached = { limitCents, percent };
  return [reserved, putNotice(limitShareReached(customerId, spending, { amountCents }, reached, at))];
}

/** Together about 8 seconds on average, which is within the function's timeout. */
const MAX_CARD_WAITS = 60;
const MAX_CARD_WAIT_MS = 250;

/** Waits for another try of the card to end. @throws BillingError ledger_busy after too many waits */
export async function waitForCard(deps: PaymentDeps, waited: number): Promise<void> {
  if (waited >= MAX_CARD_WAITS) {
    const detail = 'Too many concurrent charges for this card. Send the same request again.';
    throw new BillingError('ledger_busy', detail);
  }
  await deps.sleep(deps.random() * MAX_CARD_WAIT_MS);
}
