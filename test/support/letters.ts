import type { NoticeContent } from '../../lib/domain/notice.ts';
import { keyIssued, keyRevoked } from '../../lib/domain/notices/key-notices.ts';

/** When the notices of `LETTERS` were made. */
export const AT = '2026-11-24T14:05:00.000Z';
/** The link of the sign-in letter. */
export const SIGN_IN_URL = 'https://api.rsolv.dev/billing/enter?link=token';
/** Our own address, and RSOLV's. */
export const SENDING = {
  apiUrl: 'https://api.rsolv.dev',
  appUrl: 'https://app.rsolv.dev',
  mailedUrl: SIGN_IN_URL,
};
export const PULL_REQUEST = { repo: 'acme/webshop', prNumber: 42 };

const KEY_ID = 'a'.repeat(64);
const ISSUED_AT = new Date(AT);

const PAID = { amountCents: 59_900, credits: 60, renewsAt: '2026-12-24T14:05:00.000Z' };
const USED = { limitCents: 29_000, renewsAt: '2026-12-01T00:00:00.000Z' };

/** Notices of each kind, with the texts that its letter must contain. */
export const LETTERS: readonly [NoticeContent, readonly string[]][] = [
  [
    {
      kind: 'low_balance',
      credits: 5,
      hasCard: true,
      isDisputed: false,
      isDeclined: false,
      isOverLimit: false,
      rate: 'pro',
    },
    ['5 credits left', 'each merged fix is charged to your card: $15.00.'],
  ],
  [
    {
      kind: 'low_balance',
      credits: 1,
      hasCard: false,
      isDisputed: false,
      isDeclined: false,
      isOverLimit: false,
      rate: 'pay_as_you_go',
    },
    ['1 credit left', 'fixes are blocked', 'Add a card'],
  ],
  [
    {
      kind: 'exhausted',
      hasCard: true,
      isDisputed: false,
      isDeclined: false,
      isOverLimit: false,
      rate: 'pay_as_you_go',
    },
    ['no credits left', '$29.00.', '$599.00.'],
  ],
  [
    {
      kind: 'exhausted',
      hasCard: true,
      isDisputed: false,
      isDeclined: true,
      isOverLimit: false,
      rate: 'pay_as_you_go',
    },
    ['fixes may be blocked, because your card was declined', 'Add another card'],
  ],
  [
    {
      kind: 'exhausted',
      hasCard: true,
      isDisputed: true,
      isDeclined: false,
      isOverLimit: false,
      rate: 'pay_as_you_go',
    },
    ['From now on, fixes are blocked: no card is charged while a payment is disputed', 'Reply'],
  ],
  [
    { kind: 'fix_blocked', reason: 'no_billing_info', ...PULL_REQUEST },
    ['acme/webshop', 'pull request 42', 'Tuesday, 24 November 2026', 'Nothing was charged'],
  ],
  [{ kind: 'fix_blocked', reason: 'account_disputed', ...PULL_REQUEST }, ['disputed', 'Nothing was charged']],
  [
    { kind: 'fix_blocked', reason: 'spending_limit_reached', ...PULL_REQUEST },
    ['your monthly spending limit leaves no room for another charge', 'Raise the limit'],
  ],
  [
    {
      kind: 'low_balance',
      credits: 2,
      hasCard: true,
      isDisputed: false,
      isDeclined: false,
      isOverLimit: true,
      rate: 'pay_as_you_go',
    },
    [
      'fixes are blocked, because your spending limit of this month is reached',
      'Raise the limit so that your fixes',
    ],
  ],
  [
    { kind: 'limit_near', percent: 80, ...USED, committedCents: 23_200 },
    ['80 % of your RSOLV spending limit', '$232.00 of your $290.00', 'Tuesday, 1 December 2026'],
  ],
  [
    { kind: 'limit_reached', ...USED, committedCents: 29_000 },
    [
      'limit is reached',
      '$290.00, which leaves no room',
      'Until Tuesday, 1 December 2026',
      'raise the limit',
    ],
  ],
  [
    { kind: 'limit_changed', fromCents: 290_000, toCents: null, renewsAt: USED.renewsAt },
    ['changed from $2,900.00 to no limit', 'Charges that already began are completed'],
  ],
  [
    { kind: 'limit_changed', fromCents: null, toCents: 0, renewsAt: USED.renewsAt },
    ['changed from no limit to $0.00', 'your card is never charged for a fix'],
  ],
  [
    {
      kind: 'card_declined',
      amountCents: 2_900,
      declineCode: 'insufficient_funds',
      fixId: 'f1',
      ...PULL_REQUEST,
    },
    ['$29.00 for the fix', 'declined. There were not enough funds', 'bill the fix on the billing page'],
  ],
  [
    { kind: 'card_declined', amountCents: 1_500, declineCode: 'stolen_card', fixId: null, ...PULL_REQUEST },
    ['The bank did not say why'],
  ],
  [
    {
      kind: 'card_declined',
      amountCents: 1_500,
      declineCode: 'authentication_required',
      fixId: 'f1',
      ...PULL_REQUEST,
    },
    [
      'pull request 42. The bank asks you to confirm',
      'Confirm the payment',
      'https://api.rsolv.dev/billing/approve?fix=f1',
    ],
  ],
  [
    { kind: 'receipt', amountCents: 2_900, ...PULL_REQUEST },
    [
      ...['RSOLV receipt: $29.00 for fix #42', 'acme/webshop, pull request 42'],
      ...['https://github.com/acme/webshop/pull/42', 'https://api.rsolv.dev/billing/documents'],
    ],
  ],
  [
    {
      kind: 'payment_failed',
      invoiceId: 'in_1',
      invoiceNumber: 'RSOLV-0042',
      amountCents: 59_950,
      attempt: 2,
      declineCode: 'insufficient_funds',
      credits: 12,
      nextAttemptAt: '2026-11-27T09:00:00.000Z',
      rateEndsAt: '2026-12-15T09:00:00.000Z',
    },
    [
      'collect $599.50 for invoice RSOLV-0042 of your Pro subscription. There were not enough funds.',
      'You have 12 credits left, and you keep them.',
      'Pay the invoice',
      'https://api.rsolv.dev/billing/plan',
      'attempt number 2',
      'Friday, 27 November 2026',
      'Your Pro rate ends on Tuesday, 15 December 2026 unless the payment arrives by then.',
    ],
  ],
  [
    {
      kind: 'payment_failed',
      invoiceId: 'in_1',
      invoiceNumber: null,
      amountCents: 59_900,
      attempt: 1,
      declineCode: null,
      credits: null,
      nextAttemptAt: null,
      rateEndsAt: null,
    },
    ['invoice in_1', 'We will not try again', 'Your Pro rate has ended', '$29.00', 'You keep your credits.'],
  ],
  [
    {
      kind: 'renewal_approval',
      invoiceId: 'in_1',
      invoiceNumber: 'RSOLV-0042',
      amountCents: 59_900,
      rateEndsAt: '2026-12-15T09:00:00.000Z',
    },
    [
      ...['Confirm your RSOLV Pro payment of $599.00', 'for invoice RSOLV-0042', 'nothing is charged'],
      'Tuesday, 15 December 2026',
    ],
  ],
  [
    { kind: 'grace_ending', rateEndsAt: '2026-12-15T09:00:00.000Z' },
    ['rate ends soon', 'is not paid', 'Tuesday, 15 December 2026', 'Pay the invoice'],
  ],
  [
    { kind: 'pro_started', ...PAID, netted: 0, left: 69 },
    ['You paid $599.00.', '$15.00', 'We added 60 credits. Your balance is 69', 'Thursday, 24 December 2026'],
  ],
  [
    { kind: 'pro_started', amountCents: 0, credits: 0, netted: 0, left: 9, renewsAt: null },
    ['Your trial of RSOLV Pro has started', '$15.00'],
  ],
  [
    { kind: 'pro_renewed', ...PAID, netted: 10, left: 50 },
    [
      'RSOLV Pro: $599.00 paid, 60 credits added',
      'We added 60 credits. 10 of them made up for credits that you owed. Your balance is 50',
    ],
  ],
  [
    { kind: 'pro_cancelled', endsAt: PAID.renewsAt, credits: 9 },
    [
      ...['is cancelled', 'stays active until Thursday, 24 December 2026', '$15.00', '$29.00'],
      ...['You keep your 9 credits.', 'Resume Pro'],
    ],
  ],
  [{ kind: 'pro_cancelled', endsAt: null, credits: 0 }, ['stays active until the end of its period']],
  [
    { kind: 'pro_resumed', renewsAt: PAID.renewsAt },
    ['was withdrawn', 'Pro renews on Thursday, 24 December 2026.'],
  ],
  [
    { kind: 'subscription_ended', subscriptionId: 'sub_1', unpaid: true, atOnce: false, credits: 1 },
    ['ended on Tuesday, 24 November 2026', 'was not paid', 'You keep your 1 credit.', '$29.00'],
  ],
  [
    { kind: 'subscription_ended', subscriptionId: 'sub_1', unpaid: false, atOnce: true, credits: 0 },
    ['has ended', 'with immediate effect'],
  ],
  [
    { kind: 'subscription_ended', subscriptionId: 'sub_1', unpaid: false, atOnce: false, credits: 1_000_060 },
    ['You keep your 1,000,060 credits.'],
  ],
  [
    { kind: 'dispute', disputeId: 'du_1', amountCents: 59_900 },
    ['$599.00', 'du_1', 'do not charge your cards'],
  ],
  [
    { kind: 'dispute_closed', disputeId: 'du_1', amountCents: 2_900, outcome: 'won' },
    ['the dispute du_1 of $29.00 was decided for RSOLV'],
  ],
  [
    { kind: 'dispute_closed', disputeId: 'du_1', amountCents: 2_900, outcome: 'lost' },
    ['was decided for you: you keep the money'],
  ],
  [
    { kind: 'dispute_closed', disputeId: 'du_1', amountCents: 2_900, outcome: 'closed' },
    ['was closed. No money moved.'],
  ],
  [
    { kind: 'refund_made', amountCents: 2_900, isDouble: true, pullRequest: null },
    ['$29.00 refunded', 'A fix was paid twice.'],
  ],
  [
    { kind: 'refund_made', amountCents: 1_000, isDouble: false, pullRequest: PULL_REQUEST },
    ['$10.00 of your payment for the fix in acme/webshop, pull request 42'],
  ],
  [
    { kind: 'card_added', bonusCredits: 5 },
    ['A card was added', 'Your first card earned 5 credits.', 'up to your monthly limit'],
  ],
  [{ kind: 'card_added', bonusCredits: 0 }, ['A card was added to your RSOLV account']],
  [{ kind: 'card_replaced' }, ['was replaced', 'only that card is charged']],
  [
    { kind: 'card_expiring', lastDay: '2027-01-31T00:00:00.000Z' },
    ['expires soon', 'Sunday, 31 January 2027', 'Replace the card'],
  ],
  [{ kind: 'card_removed' }, ['was removed', 'Add a card', 'https://api.rsolv.dev/billing/card']],
  [
    {
      kind: 'credits_removed',
      invoiceId: 'in_1',
      removed: 10,
      owed: 50,
      left: 0,
      returnedCents: 59_900,
      reasons: ['refund', 'dispute'],
    },
    [
      '10 credits removed',
      '$599.00 of your payment for invoice in_1 was refunded and withdrawn by your bank in a dispute.',
      'we removed 10 credits that this money paid for. Your balance is 0 credits. You owe 50 credits: the next credits that you get are reduced',
    ],
  ],
  [
    {
      kind: 'credits_removed',
      invoiceId: 'in_1',
      removed: 0,
      owed: 60,
      left: 0,
      returnedCents: 59_900,
      reasons: [],
    },
    [
      'You owe 60 credits',
      '$599.00 of your payment for invoice in_1 was returned.',
      'no credits, because none were left',
    ],
  ],
  [
    keyIssued('c1', KEY_ID, 'sign_up', ISSUED_AT).content,
    ['Welcome', '5 credits', 'aaaaaaaa', 'can do everything', '{"scope":"fixes"}'],
  ],
  [
    keyIssued('c1', KEY_ID, 'operator', ISSUED_AT).content,
    ['Our support issued', 'on the billing page or with DELETE /api/v1/api-keys/aaaaaaaa.'],
  ],
  [
    keyIssued('c1', KEY_ID, 'customer', ISSUED_AT, { scope: 'fixes', replaced: 'b'.repeat(64) }).content,
    [
      ...['You issued', 'record, look up and bill fixes', 'begins with bbbbbbbb, which no longer works'],
      'reply to this message at once',
    ],
  ],
  [
    keyIssued('c1', KEY_ID, 'operator', ISSUED_AT, { ended: 1 }).content,
    ['The other key of your account was ended', 'Use the new key'],
  ],
  [
    keyIssued('c1', KEY_ID, 'operator', ISSUED_AT, { ended: 9 }).content,
    ['The other 9 keys of your account were ended', 'reply to this message at once'],
  ],
  [
    keyRevoked('c1', { keyId: KEY_ID, scope: 'fixes', by: 'customer' }, ISSUED_AT).content,
    ['was revoked', 'You revoked', 'begins with aaaaaaaa', '401'],
  ],
  [
    keyRevoked('c1', { keyId: KEY_ID, scope: 'account', by: 'operator' }, ISSUED_AT).content,
    ['Our support revoked'],
  ],
  [{ kind: 'sign_in' }, ['Sign in', SIGN_IN_URL, 'works once']],
  [
    { kind: 'confirm_address', addressHash: 'b'.repeat(64) },
    ['Confirm this address', SIGN_IN_URL, '24 hours'],
  ],
  [{ kind: 'address_changed', to: 'ada@acme.example' }, ['has changed', 'If this was not you, reply']],
  [
    { kind: 'closing_asked', credits: 60, hasPro: true },
    ['ends Pro at once without a refund', '60 credits are lost', 'it works as before'],
  ],
  [{ kind: 'closing_asked', credits: 1, hasPro: false }, ["The account's 1 credit is lost."]],
  [{ kind: 'closing_asked', credits: 0, hasPro: false }, ['You asked to close', 'cannot be undone']],
  [
    { kind: 'digest', notices: ['key_issued#a', 'fix_blocked#b', 'key_issued#c'] },
    ['3 messages about your RSOLV account', 'And 3 more: 2 × key issued, 1 × fix blocked.'],
  ],
  [{ kind: 'digest', notices: ['dispute#du_1'] }, ['A message about', 'One more waited']],
  [
    { kind: 'account_closed', credits: 7 },
    ['account is closed', 'You had 7 credits left', 'https://app.rsolv.dev'],
  ],
];
