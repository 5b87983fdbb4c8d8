import { optionsOf, runCheck } from '../support/program.ts';
import { lookAtBilling } from './billing.ts';
import { startBrowser } from './browser.ts';
import { travel } from './journeys.ts';
import { Looker, WIDTHS } from './look.ts';
import { setScene } from './scene.ts';
import { viewsOf } from './views.ts';

const USAGE = `npm run check:pages -- [--screenshots FOLDER] [--pictures FOLDER]    customers' pages, the double's pages, the mailbox, every letter and the API reference: 3 minutes

Opens each page in Chromium at 390 and 1280 pixels, light and dark. Fails on a violation that axe finds, on a page
wider than the screen, on an error that the browser reports, and on a journey that cannot be finished.
--screenshots saves screenshots as PNG files.
--pictures saves the pictures of the guides, whose folder is docs/pictures.
Installs Chromium with apt-get if the machine has none. CHROMIUM names another Chromium.`;

const { screenshots, pictures } = optionsOf(USAGE, {
  screenshots: { type: 'string' },
  pictures: { type: 'string' },
});
await runCheck(async () => {
  const problems = await run();
  for (const problem of problems) console.log(`✗ ${problem}`);
  console.log(problems.length === 0 ? 'No problems found.' : `${problems.length} problems`);
  return problems.length === 0;
});

async function run(): Promise<readonly string[]> {
  const browser = await startBrowser();
  try {
    const looker = new Looker(browser, screenshots, pictures);
    const first = await setScene();
    try {
      for (const view of viewsOf(first)) await looker.look(view);
      for (const { name, id } of first.letters) {
        const letter = await fetch(`${first.mailbox}/letters/${id}/html`);
        await looker.lookAtLetter(name, await letter.text());
      }
    } finally {
      await first.stop();
    }
    await lookAtBilling(looker);
    // A journey changes the scene, so each width has its own scene.
    for (const width of WIDTHS) {
      const scene = await setScene();
      try {
        await travel(looker, scene, width);
      } finally {
        await scene.stop();
      }
    }
    return looker.problems;
  } finally {
    await browser.close();
  }
}
