import * as z from 'zod/mini';
import type { Operator } from './operator.ts';
import { Fault } from './parts.ts';
import type { Scene } from './scene.ts';
import { visitBillingPage } from './visit.ts';

/*
 * Calls every function of the stage that `smoke` does not call, as a customer and as an operator. The account
 * stays open, so that its ledger can be read again after an update.
 */

const EMAIL = 'deploy-check@rsolv.dev';
const REASON = ['--reason', 'deploy check'];

export interface Account {
  readonly customerId: string;
}

const Onboarded = z.object({ customer: z.object({ id: z.string() }), api_key: z.string() });
const Recorded = z.object({ id: z.string() });
const Key = z.object({ id: z.string() });
const Keys = z.object({ keys: z.array(z.object({ id: z.string(), revoked_at: z.nullable(z.string()) })) });
const Link = z.object({ url: z.string() });
const Events = z.object({ data: z.array(z.object({ id: z.string() })) });
const Shown = z.object({ credit_balance: z.number() });

/** The calls of a customer. @throws Fault for an unexpected status */
export async function useAccount({ url }: Scene): Promise<Account> {
  const caller = new Caller(url);
  const onboarded = Onboarded.parse(
    await caller.call('POST', '/api/v1/customers/onboard', 201, { name: 'Deploy check', email: EMAIL }),
  );
  caller.apiKey = onboarded.api_key;
  await caller.call('GET', '/', 302);
  for (const path of ['/docs', '/openapi.json', '/health', '/api/v1/pricing'])
    await caller.call('GET', path, 200);
  await caller.call('POST', '/api/v1/payment-method', 200, {
    payment_method_id: 'pm_card_visa',
    billing_consent: true,
  });
  const repository = { github_org: 'rsolv-dev', repo_name: 'deploy-check' };
  const { id } = Recorded.parse(
    await caller.call('POST', '/api/v1/fix-attempts', 201, {
      ...repository,
      pr_number: 1,
      pr_title: 'Deploy check',
      pr_url: 'https://github.com/rsolv-dev/deploy-check/pull/1',
    }),
  );
  const asQuery = new URLSearchParams({ ...repository, pr_number: '1' });
  await caller.call('GET', `/api/v1/fix-attempts?${asQuery}`, 200);
  await caller.call('POST', `/api/v1/fix-attempts/${id}/billing`, 200);
  const issued = Key.parse(await caller.call('POST', '/api/v1/api-keys', 201, { scope: 'fixes' }));
  await caller.call('GET', '/api/v1/api-keys', 200);
  await caller.call('DELETE', `/api/v1/api-keys/${issued.id}`, 200);
  await caller.call('GET', '/api/v1/spending-limit', 200);
  await caller.call('PUT', '/api/v1/spending-limit', 200, { monthly_cents: 100_000 });
  await caller.call('GET', '/api/v1/exposure', 200);
  await visitBillingPage(url, Link.parse(await caller.call('POST', '/api/v1/billing-links', 201)).url);
  await caller.call('GET', '/api/v1/notices', 200);
  await caller.call('PUT', '/api/v1/notices', 200, { turned_off: ['low_balance'] });
  await caller.call('POST', '/api/v1/subscription', 201, { plan: 'pro' });
  await caller.call('DELETE', '/api/v1/subscription?at_period_end=true', 200);
  await caller.call('GET', '/api/v1/usage', 200);
  await caller.call('GET', '/api/v1/transactions', 200);
  return { customerId: onboarded.customer.id };
}

/** The commands of an operator. */
export async function operateAccount({ stripe }: Scene, operator: Operator, { customerId }: Account) {
  await operator.run(['adjust', customerId, '25', ...REASON]);
  await operator.run(['keys', 'issue', customerId, ...REASON]);
  const { keys } = Keys.parse(await operator.run(['keys', 'list', customerId]));
  // The newest key stays: the last one for the account is never revoked.
  for (const { id, revoked_at: revoked } of keys.slice(0, -1))
    if (revoked === null) await operator.run(['keys', 'revoke', customerId, id, ...REASON, '--yes']);
  await operator.run(['keys', 'issue', customerId, '--end-others', ...REASON, '--yes']);
  const response = await fetch(`${stripe.url}/v1/events`, {
    headers: { authorization: `Bearer ${stripe.apiKey}` },
  });
  const [event] = Events.parse(await response.json()).data;
  if (event === undefined) throw new Fault('Stripe has no event');
  await operator.run(['events', 'replay', event.id]);
  // There is no such notice: the function answers so, after a conditional write.
  await operator.run(['notices', 'resend', customerId, 'dispute#none'], [1]);
  await operator.run(['notices', 'warn']);
  await operator.run(['work', 'settle', '--now']);
  await operator.run(['ledger', 'verify', customerId]);
}

export async function balanceOf(operator: Operator, { customerId }: Account): Promise<number> {
  return Shown.parse(await operator.run(['customer', 'show', customerId])).credit_balance;
}

export const closeAccount = (operator: Operator, { customerId }: Account): Promise<unknown> =>
  operator.run(['customer', 'close', customerId, ...REASON, '--yes']);

class Caller {
  apiKey = '';
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** The JSON of the answer. Undefined for a page. @throws Fault for another status */
  async call(method: string, path: string, expected: number, body?: object): Promise<unknown> {
    const response = await fetch(this.#url + path, {
      method,
      redirect: 'manual',
      headers: {
        ...(this.apiKey !== '' && { 'x-api-key': this.apiKey }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (response.status !== expected)
      throw new Fault(`${method} ${path}: expected ${expected}, got ${response.status} ${text}`);
    return response.headers.get('content-type')?.includes('json') === true ? JSON.parse(text) : undefined;
  }
}
