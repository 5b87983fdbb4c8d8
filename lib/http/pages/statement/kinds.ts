import type { LineKind } from '../../../domain/statement/lines.ts';

/** What the statement calls each kind of line. */
export const LINE_KINDS: Readonly<Record<LineKind, string>> = {
  trial_signup: 'Sign-up',
  trial_billing_added: 'First card',
  pro_subscription_payment: 'Pro paid',
  fix_by_credit: 'Fix paid by a credit',
  fix_by_card: 'Fix charged to the card',
  adjustment: 'Adjusted by RSOLV',
  refund_reversal: 'Taken back: the payment was returned',
};
