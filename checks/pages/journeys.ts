import type { Page } from 'playwright-core';
import type { Looker } from './look.ts';
import type { Scene } from './scene.ts';

/** A person's tasks on the pages, with elements found by role and name. @throws when a task fails */
export const JOURNEYS: readonly {
  readonly name: string;
  readonly run: (page: Page, scene: Scene) => Promise<void>;
}[] = [
  {
    name: 'search a letter by keyboard and open it',
    run: async (page, { mailbox, blocked }) => {
      await page.goto(mailbox);
      const search = page.getByRole('searchbox', { name: 'Search' });
      await search.focus();
      await page.keyboard.type(blocked);
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: '1 letter with' }).waitFor();
      await page.getByRole('link', { name: /RSOLV/ }).first().click();
      await page.getByRole('heading', { name: 'On a phone' }).waitFor();
      const phone = page.frameLocator('iframe[title="The letter on a phone"]');
      await phone.getByText('acme/webshop').first().waitFor();
    },
  },
  {
    name: 'go through the pages of the mailbox',
    run: async (page, { mailbox }) => {
      await page.goto(mailbox);
      await page.getByRole('link', { name: 'Older' }).click();
      await page.getByText('Page 2 of 200').waitFor();
      await page.getByRole('link', { name: 'Newer' }).click();
      await page.getByText('Page 1 of 200').waitFor();
    },
  },
  {
    name: 'move the clock by a day',
    run: async (page, { double }) => {
      await page.goto(double);
      const clock = page.getByRole('region', { name: 'Clock' }).locator('time').first();
      const before = Date.parse((await clock.getAttribute('datetime')) ?? '');
      await page.getByRole('button', { name: 'A day' }).click();
      await page.getByText('The clock was moved.').waitFor();
      const after = Date.parse((await clock.getAttribute('datetime')) ?? '');
      if (!(after - before >= 24 * 60 * 60 * 1_000))
        throw new Error(`the clock went from ${before} to ${after}`);
    },
  },
  {
    name: 'authenticate a payment',
    run: async (page, { double, waiting }) => {
      await page.goto(`${double}/payments`);
      await page.getByRole('link', { name: waiting }).click();
      await page.getByRole('button', { name: 'Authenticate as the cardholder' }).click();
      await page.getByText('The cardholder answered.').waitFor();
      await page.locator('main dl').getByText('succeeded').waitFor();
    },
  },
  {
    name: 'dispute a payment and close the dispute',
    run: async (page, { double, paid }) => {
      await page.goto(`${double}/objects/${paid}`);
      await page.getByRole('button', { name: 'Dispute as fraudulent' }).click();
      await page.getByText('A dispute was opened.').waitFor();
      await page.getByRole('table', { name: 'Disputes' }).getByRole('link').first().click();
      await page.getByRole('button', { name: 'Close as won' }).click();
      await page.getByText('The dispute was closed.').waitFor();
      await page.locator('main dl').getByText('won').waitFor();
    },
  },
  {
    name: 'hold webhooks back and send them again',
    run: async (page, { double }) => {
      await page.goto(double);
      await page.getByRole('button', { name: 'Hold webhooks back' }).click();
      await page.getByText('Webhooks are held back').waitFor();
      await page.getByRole('button', { name: 'Stop holding them back' }).click();
      await page.getByText('Webhooks go out as things happen.').waitFor();
    },
  },
  {
    name: 'find a call in the reference',
    run: async (page, { docs }) => {
      await page.goto(`${docs}/docs`);
      await page.getByText(`export RSOLV_API='${docs}'`).waitFor();
      const summary = page.locator('nav.narrow summary');
      if (await summary.isVisible()) {
        await summary.focus();
        await page.keyboard.press('Enter');
      }
      await page
        .getByRole('navigation', { name: 'Contents' })
        .getByRole('link', { name: 'Subscribe to Pro' })
        .click();
      if (!page.url().endsWith('#subscribe')) throw new Error(`the link led to ${page.url()}`);
    },
  },
];

/** Runs every journey at one width. The journeys use the scene up. */
export async function travel(looker: Looker, scene: Scene, width: number): Promise<void> {
  for (const { name, run } of JOURNEYS) {
    const page = await looker.open(width);
    try {
      await run(page, scene);
      await looker.check(page, `journey-${name.replaceAll(' ', '-')}-${width}`);
      console.log(`at ${width}: ${name}`);
    } catch (error) {
      looker.problems.push(`at ${width}: ${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
    await page.context().close();
  }
}
