import type { Notice } from '../domain/notice.ts';
import type { SoldPrices } from '../domain/plans.ts';
import { keyIssued, keyRevoked, signIn } from './access-letters.ts';
import { accountClosed, addressChanged, closingAsked, confirmAddress } from './account-letters.ts';
import { exhausted, fixBlocked, lowBalance } from './balance-letters.ts';
import { cardAdded, cardExpiring, cardRemoved, cardReplaced } from './card-letters.ts';
import { longDay } from './day.ts';
import { digest } from './digest-letter.ts';
import type { Letter, Sending } from './letter.ts';
import { limitChanged, limitNear, limitReached } from './limit-letters.ts';
import {
  cardDeclined,
  creditsRemoved,
  dispute,
  disputeClosed,
  receipt,
  refundMade,
} from './money-letters.ts';
import {
  graceEnding,
  paymentFailed,
  proCancelled,
  proRenewed,
  proResumed,
  proStarted,
  renewalApproval,
  subscriptionEnded,
} from './plan-letters.ts';

/** The letter of a notice. Pure: the same notice, prices and links always make the same letter. */
export function letterOf(
  { content, createdAt }: Pick<Notice, 'content' | 'createdAt'>,
  prices: SoldPrices,
  sending: Sending,
): Letter {
  const day = longDay(new Date(createdAt));
  switch (content.kind) {
    case 'low_balance':
      return lowBalance(content, day, prices, sending);
    case 'exhausted':
      return exhausted(content, day, prices, sending);
    case 'fix_blocked':
      return fixBlocked(content, day, sending);
    case 'card_declined':
      return cardDeclined(content, day, sending);
    case 'receipt':
      return receipt(content, day, sending);
    case 'payment_failed':
      return paymentFailed(content, day, sending);
    case 'renewal_approval':
      return renewalApproval(content, day, sending);
    case 'grace_ending':
      return graceEnding(content, day, sending);
    case 'pro_started':
      return proStarted(content, day, sending);
    case 'pro_renewed':
      return proRenewed(content, day, sending);
    case 'pro_cancelled':
      return proCancelled(content, day, sending);
    case 'pro_resumed':
      return proResumed(content, day, sending);
    case 'subscription_ended':
      return subscriptionEnded(content, day, sending);
    case 'card_added':
      return cardAdded(content, day, sending);
    case 'card_replaced':
      return cardReplaced(day, sending);
    case 'card_removed':
      return cardRemoved(day, sending);
    case 'card_expiring':
      return cardExpiring(content, day, sending);
    case 'dispute':
      return dispute(content, day, sending);
    case 'dispute_closed':
      return disputeClosed(content, day, sending);
    case 'refund_made':
      return refundMade(content, day, sending);
    case 'credits_removed':
      return creditsRemoved(content, day, sending);
    case 'limit_near':
      return limitNear(content, day, sending);
    case 'limit_reached':
      return limitReached(content, day, sending);
    case 'limit_changed':
      return limitChanged(content, day, sending);
    case 'key_issued':
      return keyIssued(content, day, sending);
    case 'key_revoked':
      return keyRevoked(content, day, sending);
    case 'sign_in':
      return signIn(day, sending);
    case 'confirm_address':
      return confirmAddress(day, sending);
    case 'address_changed':
      return addressChanged(day, sending);
    case 'closing_asked':
      return closingAsked(content, day, sending);
    case 'digest':
      return digest(content, day, sending);
    case 'account_closed':
      return accountClosed(content, day, sending);
    default:
      return content satisfies never;
  }
}
