/** The kinds of notices that a customer gets by e-mail. */
export const NOTICE_KINDS = [
  'low_balance',
  'exhausted',
  'fix_blocked',
  'card_declined',
  'receipt',
  'payment_failed',
  'renewal_approval',
  'grace_ending',
  'pro_started',
  'pro_renewed',
  'pro_cancelled',
  'pro_resumed',
  'subscription_ended',
  'card_added',
  'card_replaced',
  'card_removed',
  'card_expiring',
  'dispute',
  'dispute_closed',
  'refund_made',
  'credits_removed',
  'limit_near',
  'limit_reached',
  'limit_changed',
  'key_issued',
  'key_revoked',
  'sign_in',
  'confirm_address',
  'address_changed',
  'closing_asked',
  'digest',
  'account_closed',
] as const;
export type NoticeKind = (typeof NOTICE_KINDS)[number];

/**
 * Notices that a customer can turn off. The others are always sent: a contract begins, ends or is not paid, a
 * card was changed, money is in dispute or was returned, credits were removed, the spending limit was reached
 * or changed, an API key was issued or revoked, a person asked to sign in, to use another address, or to
 * close the account, the account was closed. A digest leaves out the kinds that are turned off.
 */
export const OPTIONAL_NOTICE_KINDS = [
  'low_balance',
  'exhausted',
  'fix_blocked',
  'card_declined',
  'receipt',
  'pro_renewed',
  'card_expiring',
  'limit_near',
] as const;
export type OptionalNoticeKind = (typeof OPTIONAL_NOTICE_KINDS)[number];

export const isOptional = (kind: NoticeKind): kind is OptionalNoticeKind =>
  OPTIONAL_NOTICE_KINDS.some((one) => one === kind);

export const isMuted = (kind: NoticeKind, muted: readonly OptionalNoticeKind[]): boolean =>
  muted.some((one) => one === kind);
