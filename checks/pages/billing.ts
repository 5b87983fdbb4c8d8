import type { Page } from 'playwright-core';
import * as z from 'zod/mini';
import { type RunningStack, startStack } from '../../test/support/running-stack.ts';
import { lookAtAccounts } from './accounts.ts';
import { useCards } from './card.ts';
import { lookAtDocuments } from './documents.ts';
import type { Looker } from './look.ts';
import { followLetter, type Letter } from './mail.ts';
import { visitPlan } from './plan.ts';
import { lookAtKeys, lookAtSettings, runIntoLimit } from './settings.ts';
import { lookAtUnsubscribe } from './unsubscribe.ts';

/* The customer's own pages, on a whole local stack: mail, browser and API together. */

const SignedUp = z.object({ api_key: z.string() });
const EMAIL = 'ada@acme.example';
/** Of a customer who has no card and 5 credits. */
const CARD_EMAIL = 'bea@acme.example';

/** Signs in by mail, looks at each page in every width and scheme, and signs out. */
export async function lookAtBilling(looker: Looker): Promise<void> {
  const stack = await startStack({ LOG_LEVEL: 'SILENT' });
  try {
    const apiKey = await signUp(stack);
    for (const path of ['sign-in', 'enter', 'enter?link=x']) {
      const name = `billing-${path.replaceAll(/\W+/g, '-')}`;
      await looker.look({ name, url: `${stack.url}/billing/${path}` });
    }
    await lookAtUnsubscribe(looker, stack);
    await visit(looker, stack, apiKey);
    await runIntoLimit(looker, stack);
    await lookAtAccounts(looker, stack);
    await useCards(looker, stack, {
      apiKey: await signUp(stack, CARD_EMAIL),
      email: CARD_EMAIL,
      page: await signedIn(looker, stack, CARD_EMAIL),
    });
    await visitPlan(looker, stack);
  } finally {
    await stack.end('SIGTERM');
  }
}

/** Returns the customer's API key. */
async function signUp({ url }: RunningStack, email = EMAIL): Promise<string> {
  const response = await fetch(`${url}/api/v1/customers/onboard`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'Ada Lovelace & Co.', email, source: 'direct' }),
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
  // The first link that was mailed confirms the address, and shows the keys.
  await page.getByRole('heading', { name: 'API keys' }).waitFor();
  await page.getByText('Your address is confirmed').waitFor();
  await looker.checkEverywhere(page, 'billing-keys-confirmed');
  await page.getByRole('link', { name: 'Account', exact: true }).click();
  await page.getByRole('heading', { name: 'Your account' }).waitFor();
  await looker.checkEverywhere(page, 'billing-overview');
  await lookAtDocuments(looker, page, stack, apiKey);
  await lookAtKeys(looker, page, stack);
  await lookAtSettings(looker, page, stack);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await page.goto(`${stack.url}/billing`);
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await page.context().close();
  console.log('signed in by mail and out again');
}

const SIGN_IN: Letter = { to: EMAIL, subject: 'Sign in to RSOLV billing', link: 'Sign in' };

const openLetter = (page: Page, stack: RunningStack, letter = SIGN_IN): Promise<Page> =>
  followLetter(page, stack, letter);

/** A page of the customer, who signs in by mail for the first time. */
async function signedIn(looker: Looker, stack: RunningStack, email: string): Promise<Page> {
  const first = await looker.open(1280);
  await first.goto(`${stack.url}/billing/sign-in`);
  await first.getByLabel('E-mail address').fill(email);
  await first.keyboard.press('Enter');
  await first.getByRole('heading', { name: 'Check your mailbox' }).waitFor();
  const page = await openLetter(first, stack, { ...SIGN_IN, to: email });
  await page.getByRole('button', { name: 'Go to the billing page' }).click();
  await page.getByText('Your address is confirmed').waitFor();
  return page;
}
