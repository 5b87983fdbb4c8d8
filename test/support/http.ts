import { expect } from 'vitest';
import { handler as addPaymentMethod } from '../../functions/add-payment-method.ts';
import { handler as billFixAttempt } from '../../functions/bill-fix-attempt.ts';
import { handler as cancelSubscription } from '../../functions/cancel-subscription.ts';
import { handler as changeNoticeSettings } from '../../functions/change-notice-settings.ts';
import { handler as changeSpendingLimit } from '../../functions/change-spending-limit.ts';
import { handler as createBillingLink } from '../../functions/create-billing-link.ts';
import { handler as findFixAttempt } from '../../functions/find-fix-attempt.ts';
import { handler as getExposure } from '../../functions/get-exposure.ts';
import { handler as getNoticeSettings } from '../../functions/get-notice-settings.ts';
import { handler as getPricing } from '../../functions/get-pricing.ts';
import { handler as getSpendingLimit } from '../../functions/get-spending-limit.ts';
import { handler as getUsage } from '../../functions/get-usage.ts';
import { handler as health } from '../../functions/health.ts';
import { handler as issueApiKey } from '../../functions/issue-api-key.ts';
import { handler as listApiKeys } from '../../functions/list-api-keys.ts';
import { handler as listTransactions } from '../../functions/list-transactions.ts';
import { handler as onboardCustomer } from '../../functions/onboard-customer.ts';
import { handler as recordFixAttempt } from '../../functions/record-fix-attempt.ts';
import { handler as revokeApiKey } from '../../functions/revoke-api-key.ts';
import { handler as stripeWebhook } from '../../functions/stripe-webhook.ts';
import { handler as subscribe } from '../../functions/subscribe-to-pro.ts';
import type { Handler } from '../../lib/http/handler.ts';
import { uniqueEmail } from './fixtures.ts';
import { type Call, gatewayEvent, invocation } from './gateway.ts';

export const api = {
  onboardCustomer,
  recordFixAttempt,
  findFixAttempt,
  billFixAttempt,
  addPaymentMethod,
  subscribe,
  cancelSubscription,
  stripeWebhook,
  getUsage,
  listTransactions,
  createBillingLink,
  issueApiKey,
  listApiKeys,
  revokeApiKey,
  getSpendingLimit,
  changeSpendingLimit,
  getExposure,
  getNoticeSettings,
  changeNoticeSettings,
  getPricing,
  health,
};

export interface Answer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  /** The JSON body, for matchers. */
  readonly body: Record<string, unknown>;
  readonly text: string;
}

export async function call(handler: Handler, request: Call = {}): Promise<Answer> {
  const result = await handler(gatewayEvent(request), invocation());
  const text = result.body ?? '';
  const parsed: unknown = JSON.parse(text);
  if (typeof parsed !== 'object' || parsed === null) throw new Error(`not a JSON object: ${text}`);
  return { status: result.statusCode ?? 0, headers: result.headers ?? {}, body: { ...parsed }, text };
}

export interface SignedUp {
  readonly customerId: string;
  readonly apiKey: string;
  readonly apiKeyId: string;
}

/** Signs a customer up over HTTP. */
export async function signUp(): Promise<SignedUp> {
  const { status, body } = await call(api.onboardCustomer, { body: { name: 'Acme', email: uniqueEmail() } });
  expect(status).toBe(201);
  const customer = body['customer'];
  if (typeof customer !== 'object' || customer === null || !('id' in customer))
    throw new Error('no customer');
  return {
    customerId: String(customer.id),
    apiKey: String(body['api_key']),
    apiKeyId: String(body['api_key_id']),
  };
}

export const fixBody = (prNumber: number, more: Record<string, unknown> = {}) => ({
  github_org: 'acme',
  repo_name: 'webshop',
  pr_number: prNumber,
  pr_title: `Fix ${prNumber}`,
  pr_url: `https://github.com/acme/webshop/pull/${prNumber}`,
  ...more,
});

/** Records and bills a fix over HTTP. Returns the answer to the billing. */
export async function deployFix(apiKey: string, prNumber: number): Promise<Answer> {
  const { body } = await call(api.recordFixAttempt, { apiKey, body: fixBody(prNumber) });
  return call(api.billFixAttempt, { apiKey, params: { id: String(body['id']) } });
}
