import type { Page } from 'playwright-core';
import * as z from 'zod/mini';
import { runningStack } from '../../cli/stage/running.ts';
import { idOf } from '../../lib/stripe/reference.ts';
import { openStripe } from '../../lib/stripe/sdk.ts';
import type { RunningStack } from '../../test/support/running-stack.ts';
import type { Looker } from './look.ts';

/* The documents of a customer who has paid, refunded and disputed. */

const CREDITS = 10;
/** More than a page of payments shows. */
const CHARGED = 14;

const Answer = z.object({ id: z.optional(z.string()) });

/** Looks at the signed-in customer's documents: before the first payment, and with a history. */
export async function lookAtDocuments(
  looker: Looker,
  page: Page,
  stack: RunningStack,
  apiKey: string,
): Promise<void> {
  await page.goto(`${stack.url}/billing/documents`);
  await page.getByText('There are no documents yet').waitFor();
  await looker.checkEverywhere(page, 'billing-documents-empty');
  await makeHistory(stack, apiKey);
  await page.getByRole('link', { name: 'Invoices', exact: true }).click();
  await page.getByRole('heading', { name: 'Credit notes' }).waitFor();
  await looker.checkEverywhere(page, 'billing-documents');
  await looker.takePicture(page, 'billing-documents');
  await page.getByRole('link', { name: 'Older payments' }).click();
  await page.getByRole('heading', { name: 'Payments', level: 1 }).waitFor();
  await looker.checkEverywhere(page, 'billing-documents-older');
  await page.getByRole('link', { name: 'All invoices and receipts' }).click();
  await page.getByRole('link', { name: 'All disputes' }).click();
  await page.getByText('Closed: the payment stands').waitFor();
  await looker.checkEverywhere(page, 'billing-documents-disputes');
  await page.getByRole('link', { name: 'Invoices', exact: true }).click();
  await page
    .getByRole('link', { name: /^Receipt of/ })
    .first()
    .click();
  await page.getByRole('heading', { name: 'Receipt' }).waitFor();
  await page.goto(`${stack.url}/billing`);
  await page.getByRole('heading', { name: 'Your account' }).waitFor();
  await looker.takePicture(page, 'billing-account');
}

/** Uses up the credits, pays for fixes and for Pro, and gets some of the money back. */
async function makeHistory({ url, port }: RunningStack, apiKey: string): Promise<void> {
  const send = async (path: string, body: object): Promise<string> => {
    const response = await fetch(`${url}/api/v1${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': apiKey },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
    return Answer.parse(await response.json()).id ?? '';
  };
  await send('/payment-method', { payment_method_id: 'pm_card_visa', billing_consent: true });
  for (let pr = 1; pr <= CREDITS + CHARGED; pr++) {
    const names = { github_org: 'analytical-engines', repo_name: 'difference-engine', pr_number: pr };
    await send(`/fix-attempts/${await send('/fix-attempts', names)}/billing`, {});
  }
  await send('/subscription', { plan: 'pro' });
  await giveBack(port);
}

/** What a bank and our staff do at Stripe: refunds, disputes, a credit note, an invoice. */
async function giveBack(port: number): Promise<void> {
  const { secretKey, apiBase = '' } = runningStack(port).stripe;
  const stripe = openStripe({ secretKey, apiBase: new URL(apiBase) });
  const control = async (path: string, body: object = {}) => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${apiBase}/_double/${path}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  };
  const [invoice] = (await stripe.invoices.list({ limit: 1 })).data;
  const customer = idOf(invoice?.customer) ?? '';
  const [, partly, whole, won, open] = (await stripe.charges.list({ customer, limit: 5 })).data;
  await stripe.refunds.create({ charge: partly?.id ?? '', amount: 900 });
  await stripe.refunds.create({ charge: whole?.id ?? '' });
  for (const charge of [won, open]) await control(`charges/${charge?.id}/dispute`);
  const [closed] = (await stripe.disputes.list({ charge: won?.id ?? '' })).data;
  await control(`disputes/${closed?.id}/close`, { status: 'won' });
  const credit = { invoice: invoice?.id ?? '', amount: 10_000, refund_amount: 10_000 };
  await stripe.creditNotes.create({ ...credit, reason: 'order_change', memo: 'Two days without service' });
  const { id } = await stripe.invoices.create({ customer, auto_advance: false });
  await stripe.invoiceItems.create({ customer, invoice: id, amount: 179_700, currency: 'usd' });
  await stripe.invoices.finalizeInvoice(id);
  await control('webhooks/idle');
}
