import { parseArgs } from 'node:util';
import { SetupError } from '../../lib/settings/setup-error.ts';
import { startBrowser } from './browser.ts';
import { travel } from './journeys.ts';
import { Looker, WIDTHS } from './look.ts';
import { setScene } from './scene.ts';
import { viewsOf } from './views.ts';

const HELP = `Looks at the pages of the Stripe double, the mailbox and the API reference in Chromium.

usage: node checks/pages/run.ts [--screenshots <folder>]

Each page is opened at 390 and 1280 pixels, light and dark. It fails on a violation that axe finds, on a page
wider than the screen, on an error that the browser reports, and on a journey that cannot be finished.
It starts what it needs in its own process, and installs Chromium with apt-get if the machine has none and
it may; CHROMIUM names another one.

  --screenshots <folder>  save what was seen as PNG files
  --help                  print this text
`;

const { values } = parseArgs({
  options: { screenshots: { type: 'string' }, help: { type: 'boolean', default: false } },
});

if (values.help) {
  console.log(HELP);
} else {
  try {
    const problems = await run(values.screenshots);
    for (const problem of problems) console.error(problem);
    console.log(problems.length === 0 ? 'The pages are in order.' : `${problems.length} problems.`);
    process.exitCode = problems.length === 0 ? 0 : 1;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

async function run(screenshots: string | undefined): Promise<readonly string[]> {
  const browser = await startBrowser();
  try {
    const looker = new Looker(browser, screenshots);
    const first = await setScene();
    try {
      for (const view of viewsOf(first)) await looker.look(view);
      const letter = await fetch(`${first.mailbox}/letters/letter-9998/html`);
      await looker.lookAtLetter('letter', await letter.text());
    } finally {
      await first.stop();
    }
    // A journey changes what it finds, so each width has a scene of its own.
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
