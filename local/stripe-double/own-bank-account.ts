import type Stripe from 'stripe';

/** Where payouts go. */
export const OWN_BANK_ACCOUNT = {
  id: 'ba_1Double0000000000000000',
  object: 'bank_account',
  account: 'acct_1Double000000000',
  account_holder_name: null,
  account_holder_type: null,
  account_type: null,
  available_payout_methods: ['standard'],
  bank_name: 'STRIPE TEST BANK',
  country: 'US',
  currency: 'usd',
  default_for_currency: true,
  fingerprint: 'double000bank001',
  future_requirements: null,
  last4: '6789',
  metadata: {},
  requirements: null,
  routing_number: '110000000',
  status: 'new',
} as const satisfies Stripe.BankAccount;
