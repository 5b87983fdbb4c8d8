import type { Page } from 'playwright-core';
import * as z from 'zod/mini';
import { type RunningStack, startStack } from '../../test/support/running-stack.ts';
import { lookAtAccounts } from './accounts.ts';
import { useCards } from './card.ts';
import { lookAtDocuments } from './documents.ts';
import type { Looker } from './look.ts';
import { followLetter, type Letter } from './mail.ts';
import { lookAtUnsubscribe } from './unsubscribe.ts';

/* The customer's own pages, on a whole local stack: mail, browser and API together. */

const SignedUp = z.object({ api_key: z.string() });
const EMAIL = 'ada@acme.example';
/** The address that the account has afterwards. */
const NEW_EMAIL = 'grace@acme.example';
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
    await lookAtAccounts(looker, stack);
    await useCards(looker, stack, {
      apiKey: await signUp(stack, CARD_EMAIL),
      email: CARD_EMAIL,
      page: await signedIn(looker, stack, CARD_EMAIL),
    });
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
  await page.getByRole('link', { name: 'Account' }).click();
  await page.getByRole('heading', { name: 'Your account' }).waitFor();
  await looker.checkEverywhere(page, 'billing-overview');
  await lookAtDocuments(looker, page, stack, apiKey);
  await keysOf(looker, page, stack);
  await settingsOf(looker, page, stack);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await page.goto(`${stack.url}/billing`);
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await page.context().close();
  console.log('signed in by mail and out again');
}

/** Creates a key for CI, uses it, and revokes it. */
async function keysOf(looker: Looker, page: Page, { url }: RunningStack): Promise<void> {
  await page.goto(`${url}/billing/keys`);
  await page.getByLabel('Name').fill('GitHub Actions of webshop');
  await page.getByRole('button', { name: 'Create the key' }).click();
  await page.getByRole('heading', { name: 'Your new key' }).waitFor();
  const apiKey = (await page.locator('code.secret').textContent()) ?? '';
  await looker.checkEverywhere(page, 'billing-key-created');
  const used = await fetch(`${url}/api/v1/usage`, { headers: { 'x-api-key': apiKey } });
  if (used.status !== 200) throw new Error(`a key from the page answered ${used.status}`);
  await page.getByRole('link', { name: 'Done: back to the keys' }).click();
  await page.getByRole('heading', { name: 'API keys' }).waitFor();
  await looker.checkEverywhere(page, 'billing-keys');
  await page.getByRole('link', { name: 'Replace 2 keys with a new one' }).click();
  await page.getByRole('heading', { name: 'Replace all keys' }).waitFor();
  await looker.checkEverywhere(page, 'billing-keys-replace-all');
  await page.goBack();
  const row = page.getByRole('row', { name: /GitHub Actions of webshop/ });
  await row.getByRole('link', { name: 'Revoke' }).click();
  await page.getByRole('heading', { name: 'Revoke a key' }).waitFor();
  await looker.checkEverywhere(page, 'billing-key-revoke');
  await page.getByRole('button', { name: 'Revoke the key' }).click();
  await page.getByText('The key is revoked.').waitFor();
  const last = page.getByRole('link', { name: 'Revoke' }).first();
  await last.click();
  await page.getByRole('button', { name: 'Revoke the key' }).click();
  await page.getByText('This is your last account key').waitFor();
  await looker.checkEverywhere(page, 'billing-key-last');
  console.log('created, used and revoked a key');
}

/** Sets a limit, changes the address by the link in a letter, and asks to close the account. */
async function settingsOf(looker: Looker, page: Page, stack: RunningStack): Promise<void> {
  const settings = `${stack.url}/billing/settings`;
  await page.goto(settings);
  await page.getByLabel('Amount in dollars').fill('two hundred');
  await page.getByRole('button', { name: 'Set the limit' }).click();
  await page.getByText('Enter an amount in dollars, such as').waitFor();
  await looker.checkEverywhere(page, 'billing-settings-refused');
  await page.getByLabel('Amount in dollars').fill('0');
  await page.keyboard.press('Enter');
  await page.getByText('The spending limit is set.').waitFor();
  await looker.checkEverywhere(page, 'billing-settings');
  await page.getByRole('link', { name: 'Use another address' }).click();
  await page.getByLabel('New address').fill(NEW_EMAIL);
  await page.getByRole('button', { name: 'Send the link' }).click();
  await page.getByText('A link is on its way').waitFor();
  await looker.checkEverywhere(page, 'billing-address');
  const letter = {
    to: NEW_EMAIL,
    subject: 'Confirm this address for RSOLV billing',
    link: 'Confirm this address',
  };
  const reader = await openLetter(await looker.open(390), stack, letter);
  await reader.getByRole('heading', { name: 'Confirm your address' }).waitFor();
  await looker.checkEverywhere(reader, 'billing-confirm');
  await reader.getByRole('button', { name: 'Confirm the address' }).click();
  await reader.getByText('Your address is confirmed').waitFor();
  await reader.context().close();
  await page.goto(settings);
  await page.getByText(`Letters go to ${NEW_EMAIL}`).waitFor();
  await page.getByRole('link', { name: 'Ask us to close the account' }).click();
  await page.getByRole('heading', { name: 'What closing means' }).waitFor();
  await looker.checkEverywhere(page, 'billing-close');
  await page.getByRole('button', { name: 'Ask to close the account' }).click();
  await page.getByRole('button', { name: 'Withdraw: keep the account' }).click();
  await page.getByText('is withdrawn').waitFor();
  console.log('set a limit, changed the address, asked to close and withdrew');
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
