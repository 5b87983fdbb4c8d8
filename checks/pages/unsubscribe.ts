import * as z from 'zod/mini';
import type { RunningStack } from '../../test/support/running-stack.ts';
import type { Looker } from './look.ts';

/* The page that the link of a letter leads to. */

const TRIAL_FIXES = 5;
const WAIT_MS = 20_000;
const PAUSE_MS = 200;

const SignedUp = z.object({ api_key: z.string() });
const Recorded = z.object({ id: z.string() });
const Letters = z.array(z.object({ kind: z.string(), headers: z.record(z.string(), z.string()) }));

/** Has a fix blocked, opens the link of its letter, and turns such letters off by keyboard. */
export async function lookAtUnsubscribe(looker: Looker, stack: RunningStack): Promise<void> {
  await blockFix(stack);
  const page = await looker.open(390);
  await page.goto(await linkInMailbox(stack));
  await page.getByRole('heading', { name: 'Turn off these letters' }).waitFor();
  await looker.checkEverywhere(page, 'billing-unsubscribe');
  await page.getByRole('button', { name: 'Turn these letters off' }).press('Enter');
  await page.getByRole('heading', { name: 'Letters turned off' }).waitFor();
  await looker.checkEverywhere(page, 'billing-unsubscribed');
  await page.context().close();
  console.log('turned letters off with the link of one');
}

async function blockFix({ url }: RunningStack): Promise<void> {
  const post = async (path: string, body: object | undefined, apiKey = '') => {
    const headers = { 'content-type': 'application/json', 'x-api-key': apiKey };
    return fetch(url + path, {
      method: 'POST',
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  };
  const customer = { name: 'Bob', email: 'bob@acme.example', source: 'direct' };
  const { api_key: apiKey } = SignedUp.parse(
    await (await post('/api/v1/customers/onboard', customer)).json(),
  );
  for (let pr = 1; pr <= TRIAL_FIXES + 1; pr++) {
    const fix = {
      ...{ github_org: 'acme', repo_name: 'shop', pr_number: pr, pr_title: 'Fix' },
      pr_url: `https://github.com/acme/shop/pull/${pr}`,
    };
    const { id } = Recorded.parse(await (await post('/api/v1/fix-attempts', fix, apiKey)).json());
    await post(`/api/v1/fix-attempts/${id}/billing`, undefined, apiKey);
  }
}

/** The address that mail programs post to. */
async function linkInMailbox({ output }: RunningStack): Promise<string> {
  const mailbox = /mailbox\s+(http:\S+)/.exec(output.join('\n'))?.[1] ?? '';
  for (let waited = 0; waited < WAIT_MS; waited += PAUSE_MS) {
    const letters = Letters.parse(await (await fetch(`${mailbox}/messages`)).json());
    const blocked = letters.find(({ kind }) => kind === 'fix_blocked');
    const link = /^<(.*)>$/.exec(blocked?.headers['List-Unsubscribe'] ?? '')?.[1];
    if (link !== undefined) return link;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  throw new Error('No letter about a blocked fix has a link that turns such letters off.');
}
