/** A setting of the Stripe account that matters to this service but is not readable through an API. */
export interface AccountSetting {
  readonly setting: string;
  /** The page in Stripe's dashboard. */
  readonly where: string;
  readonly setTo: string;
}

/** The settings to check by hand, in the order of docs/operate.md, which says why each matters. */
export const ACCOUNT_SETTINGS: readonly AccountSetting[] = [
  {
    setting: 'Failed payments: retries',
    where: 'Billing › Revenue recovery › Retries',
    setTo: 'Smart Retries, or a schedule of at most three weeks',
  },
  {
    setting: 'Failed payments: after the last retry',
    where: 'Billing › Revenue recovery › Retries',
    setTo: 'Cancel the subscription',
  },
  {
    setting: 'Pause on failed payment',
    where: 'Billing › Revenue recovery › Retries',
    setTo: 'off, or on',
  },
  {
    setting: 'One subscription for each customer',
    where: 'Billing › Subscriptions › Settings',
    setTo: 'on',
  },
  {
    setting: 'Disputes: Smart Disputes',
    where: 'Disputes › Settings',
    setTo: 'off, or someone watches it',
  },
  {
    setting: 'Disputes: cancel the subscription',
    where: 'Billing › Subscriptions › Settings',
    setTo: 'off, or on',
  },
  {
    setting: 'Receipts and invoices by e-mail',
    where: 'Settings › Customer e-mails',
    setTo: 'receipts off, finalized invoices on',
  },
  {
    setting: 'E-mails about failed payments and expiring cards',
    where: 'Settings › Customer e-mails',
    setTo: 'off',
  },
  {
    setting: 'E-mails for credit notes',
    where: 'each credit note',
    setTo: 'send none',
  },
  {
    setting: 'Products in the account',
    where: 'Product catalog',
    setTo: 'any number',
  },
  {
    setting: 'API version of the account',
    where: 'Developers',
    setTo: 'any',
  },
  {
    setting: 'Customer portal',
    where: 'Billing › Customer portal',
    setTo: 'invoices, address and tax id; no plan changes',
  },
];
