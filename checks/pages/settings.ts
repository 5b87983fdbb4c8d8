import type { Page } from 'playwright-core';
import * as z from 'zod/mini';
import type { RunningStack } from '../../test/support/running-stack.ts';
import type { Looker } from './look.ts';
import { followLetter } from './mail.ts';

/* The pages on which a customer changes keys, limit and address. */

const NEW_EMAIL = 'grace@acme.example';
/** From the sign-up. The card has earned its bonus for another customer. */
const CREDITS = 5;
const text = z.optional(z.string());
const Answer = z.object({ api_key: text, url: text, id: text, code: text });

/** Creates a key for CI, uses it, and revokes it. */
export async function lookAtKeys(looker: Looker, page: Page, { url }: RunningStack): Promise<void> {
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
export async function lookAtSettings(looker: Looker, page: Page, stack: RunningStack): Promise<void> {
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
  const reader = await followLetter(await looker.open(390), stack, letter);
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

/** Another customer, with a card and without credits, sets a limit of $0.00 and merges a fix. */
export async function runIntoLimit(looker: Looker, { url }: RunningStack): Promise<void> {
  let apiKey = '';
  const post = async (path: string, status: number, body: object = {}) => {
    const response = await fetch(`${url}/api/v1${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(apiKey !== '' && { 'x-api-key': apiKey }) },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (response.status !== status) throw new Error(`${path} answered ${response.status}: ${text}`);
    return Answer.parse(JSON.parse(text));
  };
  const signedUp = await post('/customers/onboard', 201, { name: 'Limited', email: 'limited@acme.example' });
  apiKey = signedUp.api_key ?? '';
  const page = await looker.open(390);
  await page.goto((await post('/billing-links', 201)).url ?? '');
  await page.getByRole('button', { name: 'Go to the billing page' }).click();
  await page.getByRole('link', { name: 'Settings' }).click();
  await page.getByLabel('Amount in dollars').fill('0');
  await page.keyboard.press('Enter');
  await page.getByText('The spending limit is set.').waitFor();
  await post('/payment-method', 200, { payment_method_id: 'pm_card_visa', billing_consent: true });
  const bill = async (pr: number, status: number) => {
    const pull = { github_org: 'acme', repo_name: 'webshop', pr_number: pr };
    return post(`/fix-attempts/${(await post('/fix-attempts', 201, pull)).id}/billing`, status);
  };
  for (let pr = 1; pr <= CREDITS; pr++) await bill(pr, 200);
  const { code } = await bill(CREDITS + 1, 402);
  if (code !== 'spending_limit_reached') throw new Error(`beyond the limit, billing answered ${code}`);
  await page.getByRole('link', { name: 'Account', exact: true }).click();
  await page.getByText("the month's spending limit leaves no room for it").waitFor();
  await looker.checkEverywhere(page, 'billing-limit-reached');
  await page.context().close();
  console.log('set a limit and ran into it');
}
