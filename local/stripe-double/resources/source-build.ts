import type Stripe from 'stripe';
import { idOf } from '../collection.ts';
import type { Scope } from '../scope.ts';

/** Stripe's test tokens for a bank account of the older kind. */
export const TEST_BANK_TOKENS: readonly string[] = ['btok_us', 'btok_us_verified'];

/** A card of the older kind, made from the payment method of the same card. */
export function buildCard({ id, card }: Stripe.PaymentMethod, customer: string): Stripe.Card {
  if (card === undefined) throw new Error(`${id} is not a card`);
  const networks = card.networks?.preferred;
  return {
    id,
    object: 'card',
    address_city: null,
    address_country: null,
    address_line1: null,
    address_line1_check: null,
    address_line2: null,
    address_state: null,
    address_zip: null,
    address_zip_check: null,
    allow_redisplay: 'unspecified',
    brand: BRANDS[card.brand] ?? 'Unknown',
    country: card.country,
    customer,
    cvc_check: card.checks?.cvc_check ?? null,
    dynamic_last4: null,
    exp_month: card.exp_month,
    exp_year: card.exp_year,
    fingerprint: card.fingerprint ?? null,
    funding: card.funding,
    last4: card.last4,
    metadata: {},
    name: null,
    networks: { preferred: networks ?? null },
    regulated_status: card.regulated_status,
    tokenization_method: null,
  };
}

/** The older kind has brand names for display. */
const BRANDS: Readonly<Record<string, string>> = {
  visa: 'Visa',
  mastercard: 'MasterCard',
  amex: 'American Express',
  discover: 'Discover',
  diners: 'Diners Club',
  jcb: 'JCB',
  unionpay: 'UnionPay',
};

export const buildBankAccount = (
  scope: Scope,
  customer: Stripe.Customer,
  token: string,
): Stripe.BankAccount => ({
  ...BANK,
  id: scope.newId('ba'),
  customer: idOf(customer),
  status: token === 'btok_us_verified' ? 'verified' : 'new',
});

const BANK = {
  object: 'bank_account',
  account_holder_name: 'Jane Austen',
  account_holder_type: 'individual',
  account_type: null,
  bank_name: 'STRIPE TEST BANK',
  country: 'US',
  currency: 'usd',
  fingerprint: 'double000bank000',
  last4: '6789',
  metadata: {},
  routing_number: '110000000',
} as const satisfies Partial<Stripe.BankAccount>;
