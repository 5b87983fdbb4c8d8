import { createHash } from 'node:crypto';

/** Why an issuer declines. */
export interface Decline {
  readonly code: 'card_declined' | 'expired_card' | 'incorrect_cvc' | 'processing_error';
  readonly declineCode: string | null;
  readonly message: string;
}

/** When a payment requires authentication: `absent` is off-session, `present` on-session. */
export type Authentication = 'always' | 'until_set_up' | 'present_only';

/** What follows a succeeded charge. */
export type Aftermath = 'dispute' | 'inquiry' | 'refund_pending' | 'refund_fails';

export interface TestCard {
  readonly brand: string;
  readonly number: string;
  readonly funding: 'credit' | 'debit' | 'prepaid';
  readonly decline?: Decline;
  /** Whether the issuer already declines when the card is attached. */
  readonly refusesAttach?: boolean;
  readonly authentication?: Authentication;
  readonly aftermath?: Aftermath;
  /** Its payments can be paid out at once. */
  readonly isAvailableAtOnce?: true;
}

const DECLINED = 'Your card was declined.';

const declined = (declineCode: string, message = DECLINED): Decline => ({
  code: 'card_declined',
  declineCode,
  message,
});

const visa = (number: string): TestCard => ({ brand: 'visa', number, funding: 'credit' });
const decliner = (number: string, decline: Decline): TestCard => ({
  ...visa(number),
  decline,
  refusesAttach: true,
});

const INSUFFICIENT_FUNDS = declined('insufficient_funds', 'Your card has insufficient funds.');

const CARDS = {
  visa: visa('4242424242424242'),
  visa_debit: { ...visa('4000056655665556'), funding: 'debit' },
  mastercard: { brand: 'mastercard', number: '5555555555554444', funding: 'credit' },
  mastercard_debit: { brand: 'mastercard', number: '5200828282828210', funding: 'debit' },
  mastercard_prepaid: { brand: 'mastercard', number: '5105105105105100', funding: 'prepaid' },
  amex: { brand: 'amex', number: '378282246310005', funding: 'credit' },
  discover: { brand: 'discover', number: '6011111111111117', funding: 'credit' },
  diners: { brand: 'diners', number: '3056930009020004', funding: 'credit' },
  jcb: { brand: 'jcb', number: '3566002020360505', funding: 'credit' },
  unionpay: { brand: 'unionpay', number: '6200000000000005', funding: 'credit' },
  visa_chargeDeclined: decliner('4000000000000002', declined('generic_decline')),
  visa_chargeDeclinedInsufficientFunds: decliner('4000000000009995', INSUFFICIENT_FUNDS),
  visa_chargeDeclinedLostCard: decliner('4000000000009987', declined('lost_card')),
  visa_chargeDeclinedStolenCard: decliner('4000000000009979', declined('stolen_card')),
  visa_chargeDeclinedVelocityLimitExceeded: decliner(
    '4000000000006975',
    declined('card_velocity_exceeded', 'Your card was declined for making repeated attempts too frequently.'),
  ),
  chargeDeclinedExpiredCard: decliner('4000000000000069', {
    code: 'expired_card',
    declineCode: null,
    message: 'Your card has expired.',
  }),
  chargeDeclinedIncorrectCvc: decliner('4000000000000127', {
    code: 'incorrect_cvc',
    declineCode: null,
    message: "Your card's security code is incorrect.",
  }),
  chargeDeclinedProcessingError: decliner('4000000000000119', {
    code: 'processing_error',
    declineCode: null,
    message: 'An error occurred while processing your card.',
  }),
  chargeCustomerFail: { ...visa('4000000000000341'), decline: declined('generic_decline') },
  authenticationRequired: { ...visa('4000002760003184'), authentication: 'always' },
  threeDSecure2Required: { ...visa('4000000000003220'), authentication: 'always' },
  authenticationRequiredOnSetup: { ...visa('4000002500003155'), authentication: 'until_set_up' },
  authenticationRequiredSetupForOffSession: { ...visa('4000003800000446'), authentication: 'present_only' },
  authenticationRequiredChargeDeclinedInsufficientFunds: {
    ...visa('4000008260003178'),
    authentication: 'present_only',
    decline: INSUFFICIENT_FUNDS,
  },
  createDispute: { ...visa('4000000000000259'), aftermath: 'dispute' },
  createDisputeInquiry: { ...visa('4000000000001976'), aftermath: 'inquiry' },
  pendingRefund: { ...visa('4000000000007726'), aftermath: 'refund_pending' },
  refundFail: { ...visa('4000000000005126'), aftermath: 'refund_fails' },
  bypassPending: { ...visa('4000000000000077'), isAvailableAtOnce: true },
} as const satisfies Record<string, TestCard>;

export type CardName = keyof typeof CARDS;

export const CARD_NAMES = Object.keys(CARDS);

export const isCardName = (name: string): name is CardName => Object.hasOwn(CARDS, name);

export const testCard = (name: CardName): TestCard => CARDS[name];

/** Short names that Stripe's command line still uses. */
const ALIASES: Readonly<Record<string, CardName>> = { chargeDeclined: 'visa_chargeDeclined' };

/** The card named by `pm_card_visa` or `tok_visa`; undefined for any other id. */
export function cardNamed(id: string): CardName | undefined {
  const name = /^(?:pm_card|tok)_(\w+)$/.exec(id)?.[1] ?? '';
  if (isCardName(name)) return name;
  return Object.hasOwn(ALIASES, name) ? ALIASES[name] : undefined;
}

/** The same for every payment method of this card, and only for those. */
export const fingerprintOf = (number: string): string =>
  createHash('sha256')
    .update(`fingerprint of ${number}`)
    .digest('base64url')
    .replace(/[-_]/g, 'x')
    .slice(0, 16);
