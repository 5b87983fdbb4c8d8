import type { Page } from 'playwright-core';
import type { RunningStack } from '../../test/support/running-stack.ts';

const WAIT_MS = 20_000;
const PAUSE_MS = 200;
const CLICK_MS = 5_000;
const MAX_CLICKS = 3;

export interface Letter {
  readonly to: string;
  readonly subject: string | RegExp;
  /** The text of its button. */
  readonly link: string;
}

/** Waits for a letter with this subject in the stack's mailbox, and follows its button as a reader does. */
export async function followLetter(page: Page, { output }: RunningStack, letter: Letter): Promise<Page> {
  const mailbox = /mailbox\s+(http:\S+)/.exec(output.join('\n'))?.[1] ?? '';
  const found = page.getByRole('link', { name: letter.subject }).first();
  for (let waited = 0; waited < WAIT_MS; waited += PAUSE_MS) {
    await page.goto(`${mailbox}/?q=${letter.to}`);
    if (await found.isVisible()) break;
    await page.waitForTimeout(PAUSE_MS);
  }
  await found.click();
  const link = page
    .frameLocator('iframe[title="The letter on a phone"]')
    .getByRole('link', { name: letter.link });
  // On a busy machine, a click while the frame is laid out once more meets no link.
  for (let tries = 1; tries < MAX_CLICKS; tries++) {
    const opened = page.waitForEvent('popup', { timeout: CLICK_MS }).catch(() => null);
    await link.click();
    const popup = await opened;
    if (popup !== null) return popup;
  }
  const opened = page.waitForEvent('popup');
  await link.click();
  return opened;
}
