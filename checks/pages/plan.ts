import type { Page } from 'playwright-core';
import * as z from 'zod/mini';
import type { RunningStack } from '../../test/support/running-stack.ts';
import type { Looker } from './look.ts';

/* The plan's pages, with a card whose bank asks the cardholder, as Stripe's stand-in plays both. */

const ASKS = 'pm_card_authenticationRequired';

/** Buys Pro by the bank's page and by Stripe's script, approves a fix, and cancels. */
export async function visitPlan(looker: Looker, { url, output }: RunningStack): Promise<void> {
  const double = /stripe\s+\D*?(http:\/\/[\d.:]+)/i.exec(output.join('\n'))?.[1] ?? '';
  await buy(looker, url, double, 'redirect_to_url');
  await buy(looker, url, double, 'use_stripe_sdk');
  await approveFix(looker, url, double);
}

async function buy(
  looker: Looker,
  url: string,
  double: string,
  asks: 'redirect_to_url' | 'use_stripe_sdk',
): Promise<void> {
  await post(`${double}/_double/switches`, { next_action_with_return_url: asks });
  const isFirst = asks === 'redirect_to_url';
  const { page } = await customerWithCard(looker, url);
  await page.goto(`${url}/billing/plan`);
  if (isFirst) await looker.checkEverywhere(page, 'billing-plan');
  await page.getByRole('button', { name: /^Subscribe for/ }).click();
  await answerBank(page, true);
  await page.getByText('You are on Pro.').waitFor();
  if (!isFirst) {
    console.log("bought Pro with a card that asks, by Stripe's script");
    await page.context().close();
    return;
  }
  await looker.checkEverywhere(page, 'billing-plan-pro');
  await page.getByRole('link', { name: 'Cancel at the end of the period' }).click();
  await looker.checkEverywhere(page, 'billing-plan-cancel');
  await page.getByRole('button', { name: 'Cancel at the end of the period' }).click();
  await page.getByText('Pro is cancelled.').waitFor();
  await looker.checkEverywhere(page, 'billing-plan-cancelled');
  await page.getByRole('button', { name: 'Keep Pro' }).click();
  await page.getByText('The cancellation is withdrawn.').waitFor();
  await page.getByRole('link', { name: 'Cancel now' }).click();
  await looker.checkEverywhere(page, 'billing-plan-cancel-now');
  await page.getByRole('button', { name: 'Cancel Pro now' }).click();
  await page.getByText('Pro has ended.').waitFor();
  await page.context().close();
  console.log('bought Pro with a card that asks, cancelled, resumed and ended it');
}

async function approveFix(looker: Looker, url: string, double: string): Promise<void> {
  await post(`${double}/_double/switches`, { next_action_with_return_url: 'redirect_to_url' });
  const { page, call } = await customerWithCard(looker, url);
  let id = '';
  let status = 200;
  // The credits pay for the first fixes.
  for (let number = 1; status === 200; number++) {
    const recorded = await call('/api/v1/fix-attempts', {
      github_org: 'acme',
      repo_name: 'webshop',
      pr_number: number,
      pr_title: 'Escape the search field',
      pr_url: `https://github.com/acme/webshop/pull/${number}`,
    });
    id = String(recorded.body['id']);
    ({ status } = await call(`/api/v1/fix-attempts/${id}/billing`));
  }
  if (status !== 402) throw new Error(`billing answered ${status}`);
  await page.goto(`${url}/billing/approve`);
  await looker.checkEverywhere(page, 'billing-approvals');
  await page.getByRole('link', { name: /^acme\/webshop#/ }).click();
  await looker.checkEverywhere(page, 'billing-approve');
  await page.getByRole('button', { name: 'Continue to your bank' }).click();
  await answerBank(page, false);
  await page.getByText('Not paid').waitFor();
  await looker.checkEverywhere(page, 'billing-approve-refused');
  await call(`/api/v1/fix-attempts/${id}/billing`);
  await page.goto(`${url}/billing/approve?fix=${id}`);
  await page.getByRole('button', { name: 'Continue to your bank' }).click();
  await answerBank(page, true);
  await page.getByText('Paid', { exact: true }).waitFor();
  await page.context().close();
  console.log('refused and approved the payment for a fix');
}

/** On the bank's page of the stand-in, and back. */
async function answerBank(page: Page, succeeds: boolean): Promise<void> {
  const name = succeeds ? 'Confirm as the cardholder' : 'Fail the authentication';
  await page.getByRole('button', { name }).click();
  await page.getByRole('link', { name: 'Return to the merchant' }).click();
}

type Call = (path: string, body?: object) => Promise<Answer>;

/** A new customer with a card whose bank asks, signed in. */
async function customerWithCard(
  looker: Looker,
  url: string,
): Promise<{ readonly page: Page; readonly call: Call }> {
  const email = `plan-${Math.random().toString(36).slice(2)}@acme.example`;
  const name = 'Grace Hopper & Sons';
  const { body } = await post(`${url}/api/v1/customers/onboard`, { name, email, source: 'direct' });
  const headers = { 'x-api-key': String(body['api_key']) };
  const call: Call = (path, sent) => post(`${url}${path}`, sent, headers);
  await call('/api/v1/payment-method', { payment_method_id: ASKS, billing_consent: true });
  const link = await call('/api/v1/billing-links');
  const page = await looker.open(390);
  await page.goto(String(link.body['url']));
  await page.getByRole('button', { name: 'Go to the billing page' }).click();
  await page.getByRole('heading', { name: 'Your account' }).waitFor();
  return { page, call };
}

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

async function post(address: string, body?: object, headers: Record<string, string> = {}): Promise<Answer> {
  const response = await fetch(address, {
    method: 'POST',
    headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: z.record(z.string(), z.unknown()).parse(await response.json()) };
}
