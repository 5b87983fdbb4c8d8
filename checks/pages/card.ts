import type { Page } from 'playwright-core';
import * as z from 'zod/mini';
import type { RunningStack } from '../../test/support/running-stack.ts';
import type { Looker } from './look.ts';
import { followLetter } from './mail.ts';

/*
 * The card in a browser: added, replaced and removed on the stand-in's pages, added again from a letter without
 * scripts, and used for the fixes that wait.
 */

interface Customer {
  readonly apiKey: string;
  readonly email: string;
  /** Signed in. */
  readonly page: Page;
}

/** @throws Error if a step fails */
export async function useCards(looker: Looker, stack: RunningStack, customer: Customer): Promise<void> {
  const { page } = customer;
  const open = (path: string) => page.goto(`${stack.url}/billing${path}`);
  const credits = async () => {
    await open('');
    return page.locator('section', { hasText: 'Credits' }).locator('.figure').first().innerText();
  };

  if ((await credits()) !== '5') throw new Error('the customer does not start with 5 credits');
  await open('/card');
  await looker.checkEverywhere(page, 'billing-card-none');
  await page.getByRole('button', { name: 'Add a card' }).click();
  await enterAtStripe(page, 'discover');
  await page.getByText('5 credits were added.').waitFor();
  await looker.checkEverywhere(page, 'billing-card-returned');
  if ((await credits()) !== '10') throw new Error('the card brought no 5 credits');
  await open('/card');
  await page.getByText('Discover, ends in 1117').waitFor();
  await looker.checkEverywhere(page, 'billing-card');
  await page.getByRole('button', { name: 'Replace the card' }).click();
  await enterAtStripe(page, 'mastercard');
  await page.getByRole('heading', { name: 'Your card is on file' }).waitFor();
  await open('/card');
  await page.getByText('Mastercard, ends in').waitFor();
  console.log('added a card and replaced it');

  await page.getByRole('button', { name: "Open Stripe's portal" }).click();
  await page.getByRole('heading', { name: 'Customer portal' }).waitFor();
  await page.getByRole('link', { name: 'Return to the merchant' }).click();
  await page.getByRole('link', { name: 'Remove the card' }).click();
  await looker.checkEverywhere(page, 'billing-card-remove');
  await page.getByRole('button', { name: 'Remove the card' }).click();
  await page.getByRole('heading', { name: 'No card on file' }).waitFor();
  console.log('removed the card');

  const statuses = [];
  for (let pr = 1; pr <= 13; pr++) statuses.push(await billFix(stack, customer, pr));
  if (statuses.filter((status) => status === 402).length !== 3) throw new Error(`billed: ${statuses}`);
  await open('/card/waiting');
  await looker.checkEverywhere(page, 'billing-waiting-no-card');
  await addFromLetter(looker, stack, customer);
  await open('/card/waiting');
  await looker.checkEverywhere(page, 'billing-waiting');
  await page.getByRole('button', { name: 'Bill the 3 waiting fixes for $87.00' }).click();
  await page.getByText('3 fixes billed.').waitFor();
  await looker.checkEverywhere(page, 'billing-waiting-billed');
  await page.context().close();
  console.log('billed the waiting fixes');
}

/** Enters a test card on the stand-in's Checkout page, and returns as a cardholder does. */
async function enterAtStripe(page: Page, card: string): Promise<void> {
  await page.getByRole('heading', { name: 'Checkout' }).waitFor();
  await page.getByLabel('Test card').fill(card);
  await page.getByRole('button', { name: 'Add the card' }).click();
  await page.getByRole('link', { name: 'Return to the merchant' }).click();
}

const Recorded = z.object({ id: z.string() });

/** Records a fix and bills it. Returns the status of the billing. */
async function billFix({ url }: RunningStack, { apiKey }: Customer, pr: number): Promise<number> {
  const post = (path: string, body?: object) =>
    fetch(`${url}/api/v1/fix-attempts${path}`, {
      method: 'POST',
      headers: { 'x-api-key': apiKey, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  const recorded = await post('', {
    ...{ github_org: 'acme', repo_name: 'webshop', pr_number: pr },
    pr_title: `Escape the name in the greeting ${pr}`,
    pr_url: `https://github.com/acme/webshop/pull/${pr}`,
  });
  const { id } = Recorded.parse(await recorded.json());
  return (await post(`/${id}/billing`)).status;
}

/** From the letter to a card on file in two clicks and Stripe's page, without scripts. */
async function addFromLetter(looker: Looker, stack: RunningStack, { email }: Customer): Promise<void> {
  const reader = await looker.open(1280);
  const letter = { to: email, subject: /waiting/, link: 'Add a card' };
  const opened = await followLetter(reader, stack, letter);
  await opened.getByRole('button', { name: 'Add a card at Stripe' }).waitFor();
  await looker.checkEverywhere(opened, 'billing-letter');
  const link = opened.url();
  await reader.context().close();
  const page = await looker.open(390, { javaScriptEnabled: false });
  await page.goto(link);
  await page.getByRole('button', { name: 'Add a card at Stripe' }).click();
  await enterAtStripe(page, 'amex');
  await page.getByRole('heading', { name: 'Your card is on file' }).waitFor();
  await looker.shoot(page, 'billing-letter-done-without-scripts');
  await page.context().close();
  console.log('added a card from a letter, without scripts');
}
