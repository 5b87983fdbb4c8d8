import type { Contract } from '../contract.ts';
import { getPricingContract, getUsageContract, listTransactionsContract } from './account.ts';
import {
  createBillingLinkContract,
  issueApiKeyContract,
  listApiKeysContract,
  onboardCustomerContract,
  revokeApiKeyContract,
} from './customers.ts';
import { billFixAttemptContract, findFixAttemptContract, recordFixAttemptContract } from './fix-attempts.ts';
import { changeNoticeSettingsContract, getNoticeSettingsContract } from './notices.ts';
import {
  addPaymentMethodContract,
  cancelSubscriptionContract,
  stripeWebhookContract,
  subscribeContract,
} from './payments.ts';
import { getDocsContract, getOpenapiContract, getRootContract, healthContract } from './service.ts';
import { changeSpendingLimitContract, getExposureContract, getSpendingLimitContract } from './spending.ts';

/**
 * Every call of the API, in the order of the documentation. Only for the generator: a function imports only
 * its own contract, so that its bundle has no other.
 */
export const allContracts: readonly Contract[] = [
  recordFixAttemptContract,
  findFixAttemptContract,
  billFixAttemptContract,
  onboardCustomerContract,
  issueApiKeyContract,
  listApiKeysContract,
  revokeApiKeyContract,
  addPaymentMethodContract,
  subscribeContract,
  cancelSubscriptionContract,
  getUsageContract,
  listTransactionsContract,
  createBillingLinkContract,
  getSpendingLimitContract,
  changeSpendingLimitContract,
  getExposureContract,
  getNoticeSettingsContract,
  changeNoticeSettingsContract,
  getPricingContract,
  healthContract,
  stripeWebhookContract,
  getOpenapiContract,
  getDocsContract,
  getRootContract,
];
