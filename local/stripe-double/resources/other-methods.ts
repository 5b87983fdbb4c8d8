import type Stripe from 'stripe';

type Details = Pick<Stripe.PaymentMethod, 'type'> & Partial<Stripe.PaymentMethod>;

const BANK_ACCOUNT: Stripe.PaymentMethod.UsBankAccount = {
  account_holder_type: 'individual',
  account_type: 'checking',
  bank_name: 'STRIPE TEST BANK',
  financial_connections_account: null,
  fingerprint: 'FFDMA0xfhBjWSZLu',
  last4: '6789',
  networks: { preferred: 'ach', supported: ['ach'] },
  routing_number: '110000000',
  status_details: {},
};

/** Payment methods other than cards, by type. */
const KINDS = {
  us_bank_account: { type: 'us_bank_account', us_bank_account: BANK_ACCOUNT },
  link: { type: 'link', link: { email: 'ada@customer.example' } },
  cashapp: { type: 'cashapp', cashapp: { buyer_id: null, cashtag: null } },
  amazon_pay: { type: 'amazon_pay', amazon_pay: {} },
} as const satisfies Record<string, Details>;

export type OtherKind = keyof typeof KINDS;

export const OTHER_KINDS = ['us_bank_account', 'link', 'cashapp', 'amazon_pay'] as const;

export const otherMethod = (kind: OtherKind): Details => structuredClone(KINDS[kind]);

/** Stripe's names of test methods, and one name for each other type. */
const NAMED: Readonly<Record<string, OtherKind>> = {
  pm_usBankAccount_success: 'us_bank_account',
  pm_usBankAccount: 'us_bank_account',
  pm_link: 'link',
  pm_cashapp: 'cashapp',
  pm_amazonPay: 'amazon_pay',
};

/** The type named by `pm_usBankAccount_success`; undefined for any other id. */
export const otherKindNamed = (id: string): OtherKind | undefined =>
  Object.hasOwn(NAMED, id) ? NAMED[id] : undefined;
