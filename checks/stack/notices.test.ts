import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { runningStack } from '../../cli/stage/running.ts';
import { LocalFunctions } from '../../local/stack/functions.ts';
import { type RunningStack, startStack } from '../../test/support/running-stack.ts';
import { TEST_CREDENTIALS } from '../../test/support/table.ts';

/* The path of a notice through the whole stack: call, table, stream, function, mail. */

let stack: RunningStack;
let functions: LocalFunctions;
let mailbox: string;
let stripe: string;

const printed = (what: string): string => {
  const line = stack.output.find((one) => one.startsWith(what)) ?? '';
  return /http:\S+/.exec(line)?.[0] ?? '';
};

beforeAll(async () => {
  Object.assign(process.env, TEST_CREDENTIALS);
  stack = await startStack();
  functions = new LocalFunctions(runningStack(stack.port).lambdaEndpoint);
  mailbox = printed('mailbox');
  stripe = printed('Stripe double');
}, 120_000);
afterAll(async () => {
  functions.close();
  await stack.end('SIGINT');
});

const post = (url: string, body?: object) =>
  fetch(url, {
    method: 'POST',
    headers: { 'x-api-key': stack.apiKey, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });

const Letters = z.array(
  z.object({
    ...{ kind: z.string(), subject: z.string(), to: z.string(), text: z.string() },
    headers: z.record(z.string(), z.string()),
  }),
);
const letters = async () => Letters.parse(await (await fetch(`${mailbox}/messages`)).json());
const count = async (kind: string) => (await letters()).filter((one) => one.kind === kind).length;
const eventually = { timeout: 15_000, interval: 100 };

let pr = 0;
async function bill(): Promise<number> {
  pr += 1;
  const fix = {
    github_org: 'acme',
    repo_name: 'webshop',
    pr_number: pr,
    pr_title: 'Fix',
    pr_url: `https://github.com/acme/webshop/pull/${pr}`,
  };
  const { id } = z
    .object({ id: z.string() })
    .parse(await (await post(`${stack.url}/api/v1/fix-attempts`, fix)).json());
  return (await post(`${stack.url}/api/v1/fix-attempts/${id}/billing`)).status;
}
const anHourLater = () => post(`${stripe}/_double/clock`, { seconds: 3_601 });

describe('the mailbox of the local stack', () => {
  it('the mailbox shows a sign-up, the hourly warning of a moved clock, and a blocked fix', async () => {
    await expect.poll(() => count('key_issued'), eventually).toBe(1);
    expect(await bill()).toBe(200);
    await anHourLater();
    await expect.poll(() => count('low_balance'), eventually).toBe(1);
    for (let left = 4; left > 0; left--) expect(await bill()).toBe(200);
    expect(await bill()).toBe(402);
    await expect.poll(() => count('fix_blocked'), eventually).toBe(1);
    // The letter about the fix says that no credits are left, so there is no other one.
    await anHourLater();
    await anHourLater();
    const page = await (await fetch(mailbox)).text();
    for (const subject of ['Welcome to RSOLV', 'no credits left, 1 merged fix is waiting'])
      expect(page).toContain(subject);
    expect([await count('low_balance'), await count('exhausted')]).toEqual([1, 0]);
  });

  it('the link of a letter leads to this API, and one click turns the kind off', async () => {
    const warning = (await letters()).find(({ kind }) => kind === 'low_balance');
    const address = (warning?.headers['List-Unsubscribe'] ?? '').replace(/^<|>$/g, '');
    expect(warning?.text).toContain(address);
    expect((await fetch(address)).status).toBe(200);
    const body = new URLSearchParams({ 'List-Unsubscribe': 'One-Click' });
    expect((await fetch(address, { method: 'POST', body })).status).toBe(200);
    const settings = await fetch(`${stack.url}/api/v1/notices`, { headers: { 'x-api-key': stack.apiKey } });
    expect(await settings.text()).toMatch(/"kind":"low_balance",[^}]*"enabled":false/);
  });

  it('a notice whose delivery fails three times is a dead letter, and can be sent again', async () => {
    await post(`${mailbox}/_mailbox/refuse`, { times: 3 });
    // An urgent letter: the others of this day are sent.
    expect((await post(`${stack.url}/api/v1/api-keys`)).status).toBe(201);
    const dead = () => stack.output.find((line) => line.includes('dead letter: deliver-notices'));
    await expect.poll(dead, eventually).toBeDefined();
    expect(await count('key_issued')).toBe(1);
    const notice = /NOTICE#(\S+)/.exec(dead() ?? '')?.[1];
    const input = { customer_id: stack.customerId, notice, actor: 'tests' };
    expect(await functions.invoke('resend-notice', input)).toEqual({ ok: true, result: { requeued: true } });
    await expect.poll(() => count('key_issued'), eventually).toBe(2);
    expect(await functions.invoke('resend-notice', input)).toEqual({ ok: true, result: { requeued: false } });
  });
});
