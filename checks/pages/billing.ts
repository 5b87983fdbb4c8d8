import type { Page } from 'playwright-core';
import * as z from 'zod/mini';
import { type RunningStack, startStack } from '../../test/support/running-stack.ts';
import { lookAtDocuments } from './documents.ts';
import type { Looker } from './look.ts';

/* The customer's own pages, on a whole local stack: mail, browser and API together. */

const SignedUp = z.object({ api_key: z.string() });
const EMAIL = 'ada@acme.example';
const WAIT_MS = 20_000;
const PAUSE_MS = 200;

/** Signs in by mail, looks at each page in every width and scheme, and signs out. */
export async function lookAtBilling(looker: Looker): Promise<void> {
  const stack = await startStack({ LOG_LEVEL: 'SILENT' });
  try {
    const apiKey = await signUp(stack);
    for (const path of ['sign-in', 'enter', 'enter?link=x']) {
      const name = `billing-${path.replaceAll(/\W+/g, '-')}`;
      await looker.look({ name, url: `${stack.url}/billing/${path}` });
    }
    await visit(looker, stack, apiKey);
  } finally {
    await stack.end('SIGTERM');
  }
}

/** Returns the customer's API key. */
async function signUp({ url }: RunningStack): Promise<string> {
  const response = await fetch(`${url}/api/v1/customers/onboard`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'Ada Lovelace & Co.', email: EMAIL, source: 'direct' }),
  });
  if (response.status !== 201) throw new Error(`sign-up answered ${response.status}`);
  return SignedUp.parse(await response.json()).api_key;
}

async function visit(looker: Looker, stack: RunningStack, apiKey: string): Promise<void> {
  const first = await looker.open(390);
  await first.goto(`${stack.url}/billing`);
  await first.getByRole('heading', { name: 'Sign in' }).waitFor();
  await first.getByLabel('E-mail address').fill(EMAIL);
  await first.keyboard.press('Enter');
  await first.getByRole('heading', { name: 'Check your mailbox' }).waitFor();
  await looker.checkEverywhere(first, 'billing-link-sent');
  const page = await openLetter(first, stack);
  await page.setViewportSize({ width: 390, height: 900 });
  await page.getByRole('button', { name: 'Go to the billing page' }).click();
  await page.getByRole('heading', { name: 'Your account' }).waitFor();
  await looker.checkEverywhere(page, 'billing-overview');
  await lookAtDocuments(looker, page, stack, apiKey);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await page.goto(`${stack.url}/billing`);
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await page.context().close();
  console.log('signed in by mail and out again');
}

/** Waits for the sign-in letter in the mailbox, and opens its link as a reader does. */
async function openLetter(page: Page, { output }: RunningStack): Promise<Page> {
  const mailbox = /mailbox\s+(http:\S+)/.exec(output.join('\n'))?.[1] ?? '';
  const letter = page.getByRole('link', { name: 'Sign in to RSOLV billing' }).first();
  for (let waited = 0; waited < WAIT_MS; waited += PAUSE_MS) {
    await page.goto(`${mailbox}/?q=${EMAIL}`);
    if (await letter.isVisible()) break;
    await page.waitForTimeout(PAUSE_MS);
  }
  await letter.click();
  const opened = page.waitForEvent('popup');
  await page
    .frameLocator('iframe[title="The letter on a phone"]')
    .getByRole('link', { name: 'Sign in' })
    .click();
  return opened;
}
