import type { CustomerHead } from '../../domain/customer.ts';
import { isMuted, isOptional, NOTICE_KINDS, type NoticeKind } from '../../domain/notice-kinds.ts';
import { LOW_BALANCE_CREDITS } from '../../domain/pricing.ts';
import type { NoticeSettings } from '../contracts/notices.ts';

export const DESCRIPTIONS: Readonly<Record<NoticeKind, string>> = {
  low_balance: `Spending has left ${LOW_BALANCE_CREDITS} credits or fewer.`,
  exhausted: 'No credits are left.',
  fix_blocked: 'A merged fix could not be billed.',
  card_declined: 'The card was declined for a fix.',
  receipt: 'The card was charged for a fix.',
  payment_failed: 'A Pro invoice could not be paid.',
  renewal_approval: 'The bank asks for a confirmation of a Pro payment.',
  grace_ending: 'The Pro rate of an unpaid subscription ends in 3 days.',
  pro_started: 'The Pro subscription has started.',
  pro_renewed: 'A Pro payment arrived, and its credits were added.',
  pro_cancelled: 'The Pro subscription was cancelled and ends with its period.',
  pro_resumed: 'A cancellation of Pro was withdrawn.',
  subscription_ended: 'The Pro subscription has ended.',
  card_added: 'A card was put on file.',
  card_replaced: 'Another card was put on file.',
  card_removed: 'The card on file was removed.',
  card_expiring: 'The card on file expires within 14 days.',
  dispute: 'A payment is disputed.',
  dispute_closed: 'A dispute was decided or closed.',
  refund_made: 'A payment for a fix was refunded.',
  credits_removed: 'Credits were removed because the payment for them was returned.',
  limit_near: 'Half, or 80 %, of the monthly spending limit is used.',
  limit_reached: 'The monthly spending limit is reached.',
  limit_changed: 'The monthly spending limit has changed.',
  key_issued: 'A new API key was issued.',
  key_revoked: 'An API key was revoked.',
  sign_in: 'Someone asked for a link to sign in.',
  confirm_address: 'A new address has to be confirmed. Goes to the new address.',
  address_changed: 'The address was changed. Goes to the earlier address.',
  closing_asked: 'You asked to close the account.',
  digest: 'Letters that waited for a day, in one.',
  account_closed: 'The account was closed.',
};

/** When a letter of a kind is sent, as a sentence. */
export const describeNotice = (kind: NoticeKind): string => DESCRIPTIONS[kind];

export const noticeSettingsView = ({ mutedNotices }: Pick<CustomerHead, 'mutedNotices'>): NoticeSettings => ({
  notices: NOTICE_KINDS.map((kind) => ({
    kind,
    description: DESCRIPTIONS[kind],
    enabled: !isMuted(kind, mutedNotices),
    can_be_turned_off: isOptional(kind),
  })),
});
