import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import * as z from 'zod/mini';

export const WIDTHS = [390, 1280] as const;
export const SCHEMES = ['light', 'dark'] as const;
const HEIGHT = 900;
/** The middle of a page of 1280 pixels: its content with a narrow margin. */
const PICTURE = { x: 140, y: 0, width: 1000, height: 640 };

/** The part of axe's report that is used here. */
const Found = z.array(
  z.object({
    id: z.string(),
    help: z.string(),
    nodes: z.array(z.object({ target: z.array(z.unknown()), html: z.string() })),
  }),
);

export interface View {
  /** Name of the page's screenshots. */
  readonly name: string;
  readonly url: string;
  readonly status?: number;
}

/** Frames are checked on their own. Landmarks apply to pages: a mail program has its own around a letter. */
const RULES = {
  page: '{ iframes: false }',
  letter: "{ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }",
} as const;

/** Checks pages in a browser, and collects problems. */
export class Looker {
  readonly problems: string[] = [];
  readonly #browser: Browser;
  readonly #screenshots: string | undefined;
  readonly #pictures: string | undefined;

  constructor(browser: Browser, screenshots: string | undefined, pictures?: string) {
    this.#browser = browser;
    this.#screenshots = screenshots;
    this.#pictures = pictures;
    if (screenshots !== undefined) mkdirSync(screenshots, { recursive: true });
  }

  /** Checks a page in both widths, light and dark: it must be accessible, fit its width, report no error. */
  async look({ name, url, status = 200 }: View): Promise<void> {
    const page = await this.open(WIDTHS[0]);
    const response = await page.goto(url);
    if (response?.status() !== status) this.problems.push(`${url} answered ${response?.status()}`);
    await this.checkEverywhere(page, name);
    await page.context().close();
  }

  /** Checks a letter's markup. The letter's own URL forbids all scripts, including axe. */
  async lookAtLetter(name: string, markup: string): Promise<void> {
    const page = await this.open(WIDTHS[0]);
    await page.setContent(markup);
    await this.checkEverywhere(page, name, 'letter');
    await page.context().close();
  }

  /** Checks an open page in both widths, light and dark. */
  async checkEverywhere(page: Page, name: string, what: keyof typeof RULES = 'page'): Promise<void> {
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: HEIGHT });
      for (const colorScheme of SCHEMES) {
        await page.emulateMedia({ colorScheme });
        await this.check(page, `${name}-${width}-${colorScheme}`, what);
      }
    }
    console.log(`looked at ${name}`);
  }

  /** A picture of the top of an open page for the documents, if pictures were asked for. */
  async takePicture(page: Page, name: string): Promise<void> {
    if (this.#pictures === undefined) return;
    await page.setViewportSize({ width: 1280, height: HEIGHT });
    await page.emulateMedia({ colorScheme: 'light' });
    await page.screenshot({ path: join(this.#pictures, `${name}.png`), clip: PICTURE });
  }

  /** Opens an empty page. Every error that it reports later is a problem. */
  async open(width: number, { javaScriptEnabled = true } = {}): Promise<Page> {
    const viewport = { width, height: HEIGHT };
    const context = await this.#browser.newContext({ viewport, javaScriptEnabled });
    const page = await context.newPage();
    page.on('pageerror', ({ message }) => this.problems.push(`${page.url()}: ${message}`));
    page.on('console', (message) => {
      // The status of the page itself is checked by the code that opens the page.
      const isOwnStatus = message.location().url === page.url() && message.text().includes('status of 404');
      if (message.type() === 'error' && !isOwnStatus) this.problems.push(`${page.url()}: ${message.text()}`);
    });
    return page;
  }

  /** Saves a screenshot of a page without scripts, which axe cannot check. */
  async shoot(page: Page, name: string): Promise<void> {
    if (this.#screenshots === undefined) return;
    await page.screenshot({ path: join(this.#screenshots, `${name}.png`), fullPage: true });
  }

  async check(page: Page, name: string, what: keyof typeof RULES = 'page'): Promise<void> {
    await page.evaluate(`globalThis.axe === undefined && (() => { ${axe.source} })()`);
    const found = Found.parse(
      await page.evaluate(`axe.run(document, ${RULES[what]}).then(({ violations }) => violations)`),
    );
    for (const { id, help, nodes } of found) {
      const where = nodes.slice(0, 3).map(({ target, html }) => `${target.join(' ')} ${html.slice(0, 120)}`);
      this.problems.push(`${name}: ${id}, ${help}: ${where.join('; ')}`);
    }
    const [needed, available] = z
      .tuple([z.number(), z.number()])
      .parse(
        await page.evaluate('[document.documentElement.scrollWidth, document.documentElement.clientWidth]'),
      );
    if (needed > available) this.problems.push(`${name}: ${needed} pixels wide on a screen of ${available}`);
    if (this.#screenshots !== undefined) {
      await page.screenshot({
        path: join(this.#screenshots, `${name}.png`),
        fullPage: what === 'letter' || name.startsWith('billing'),
      });
    }
  }
}
