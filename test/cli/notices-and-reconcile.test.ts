import { DeleteCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { runningStack } from '../../cli/stage/running.ts';
import { dueAt } from '../../lib/store/due-work.ts';
import { keys } from '../../lib/store/keys.ts';
import { encodeNewNotice } from '../../lib/store/notices.ts';
import { openTable, type Table } from '../../lib/store/table.ts';
import { runCommand } from '../support/command-line.ts';
import { range } from '../support/fixtures.ts';
import { type RunningStack, startStack, useTestCredentials } from '../support/running-stack.ts';

/* As an operator has them, against a real local stack. */

let stack: RunningStack;
let table: Table;
let mailbox: string;
let stripeUrl: string;

beforeAll(async () => {
  useTestCredentials();
  stack = await startStack();
  const { endpoint, stripe } = runningStack(stack.port);
  stripeUrl = stripe.apiBase ?? '';
  table = openTable({ tableName: 'rsolv-billing-dev', stage: 'dev', dynamodbEndpoint: endpoint });
  mailbox = /http:\S+/.exec(stack.output.find((line) => line.startsWith('mailbox')) ?? '')?.[0] ?? '';
}, 120_000);
afterAll(async () => {
  table.client.destroy();
  await stack.end('SIGTERM');
});

const run = (...args: string[]) => runCommand(args, { PORT: String(stack.port) });

async function json<T>(schema: z.ZodMiniType<T>, ...args: string[]): Promise<T> {
  return schema.parse(JSON.parse((await run('--json', ...args)).stdout));
}

const refuse = (times: number) =>
  fetch(`${mailbox}/_mailbox/refuse`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ times }),
  });

const issueKey = () =>
  fetch(`${stack.url}/api/v1/api-keys`, { method: 'POST', headers: { 'x-api-key': stack.apiKey } });

const Unsent = z.object({
  notices: z.array(z.object({ customer_id: z.string(), notice: z.string(), state: z.string() })),
});
const states = async () => (await json(Unsent, 'notices', 'list')).notices.map(({ state }) => state);
/** As a delivery that died ten minutes ago left it. */
const takenAndLeft = (notice: string) =>
  table.client.send(
    new UpdateCommand({
      TableName: table.name,
      Key: { pk: keys.customer(stack.customerId), sk: `NOTICE#${notice}` },
      UpdateExpression: 'SET #state = :sending, claimed_at = :then',
      ExpressionAttributeNames: { '#state': 'state' },
      ExpressionAttributeValues: {
        ':sending': 'sending',
        ':then': new Date(Date.now() - 600_000).toISOString(),
      },
    }),
  );
/** How many are not sent, and how far the newest of them has come. */
const newest = async () => {
  const all = await states();
  return { ofAll: all.length, state: all.at(-1) };
};
const Resent = z.object({
  notices: z.array(z.object({ notice: z.string(), requeued: z.boolean() })),
});
/** As three tries left it, a day ago. */
function failedLongAgo(id: string) {
  const createdAt = new Date(Date.now() - 86_400_000).toISOString();
  const content = { kind: 'dispute', disputeId: id, amountCents: 1 } as const;
  const item = encodeNewNotice({ customerId: stack.customerId, id, createdAt, content });
  const key = keys.notice(stack.customerId, 'dispute', id);
  return {
    ...item,
    ...key,
    ...dueAt('notice', new Date(createdAt)),
    state: 'failed',
    failure: 'MessageRejected',
  };
}
const eventually = { timeout: 20_000, interval: 500 };

describe('rsolv-billing notices', () => {
  it('lists what was given up, and sends it again, one by name or all', async () => {
    await expect.poll(states, eventually).toEqual([]);
    await refuse(100);
    await issueKey();
    await issueKey();
    await expect.poll(states, eventually).toEqual(['failed', 'failed']);
    const listed = await run('notices', 'list');
    expect(listed.stdout).toContain('AccountSuspendedException');
    for (const line of listed.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);

    await refuse(0);
    const [first] = (await json(Unsent, 'notices', 'list')).notices;
    const one = await run('notices', 'resend', stack.customerId, first?.notice ?? '');
    expect(one).toMatchObject({ code: 0, stdout: '1 notice put into the stream again.\n' });
    await expect.poll(states, eventually).toEqual(['failed']);
    expect((await run('notices', 'resend', '--all')).code).toBe(0);
    await expect.poll(states, eventually).toEqual([]);
    expect((await run('notices', 'list')).stdout).toBe('Every notice is sent.\n');
    const again = await run('notices', 'resend', stack.customerId, first?.notice ?? '');
    expect(again.stdout).toContain('left alone');
  });

  it('sends what a delivery took and died with, with all that was given up', async () => {
    await refuse(100);
    await issueKey();
    await expect.poll(states, eventually).toEqual(['failed']);
    const [notice] = (await json(Unsent, 'notices', 'list')).notices;
    await takenAndLeft(notice?.notice ?? '');
    await refuse(0);
    const all = await run('notices', 'resend', '--all');
    expect(all.stdout).toBe('1 notice put into the stream again.\n');
    await expect.poll(states, eventually).toEqual([]);
  });

  it('lists and sends a new one behind more than 100 that can never be sent, each once, and says how many', async () => {
    const old = range(1, 120).map((n) => failedLongAgo(`old_${n}`));
    for (const Item of old) await table.client.send(new PutCommand({ TableName: table.name, Item }));
    await refuse(1_000);
    await issueKey();
    await expect.poll(newest, eventually).toEqual({ ofAll: 121, state: 'failed' });

    const listed = (await run('notices', 'list')).stdout;
    expect(listed).toMatch(/\n {2}dispute#old_1\n[\s\S]*\n {2}dispute#old_120\n[\s\S]*\n {2}key_issued#/);
    expect(listed).toMatch(/\n121 notices not sent\.\n$/);
    const sent = await json(Resent, 'notices', 'resend', '--all');
    expect(new Set(sent.notices.map(({ notice }) => notice)).size).toBe(121);
    expect(sent.notices.every(({ requeued }) => requeued)).toBe(true);
    for (const { pk, sk } of old)
      await table.client.send(new DeleteCommand({ TableName: table.name, Key: { pk, sk } }));
    await expect.poll(newest, eventually).toEqual({ ofAll: 1, state: 'failed' });
    await refuse(0);
    expect((await run('notices', 'resend', '--all')).stdout).toBe('1 notice put into the stream again.\n');
    await expect.poll(states, eventually).toEqual([]);
  });

  it('sends the others where one is refused, and says which and why', async () => {
    const both = ['du.odd', 'du_2'].map(failedLongAgo);
    for (const Item of both) await table.client.send(new PutCommand({ TableName: table.name, Item }));
    const { code, stdout } = await run('notices', 'resend', '--all');
    expect(stdout).toMatch(/^customer \w+\n {2}dispute#du\.odd\n {2}notice: must be the kind and the id/);
    expect(stdout).toMatch(/\n1 notice put into the stream again\.\n1 notice not put there\.\n$/);
    expect(code).toBe(1);
    for (const { pk, sk } of both)
      await table.client.send(new DeleteCommand({ TableName: table.name, Key: { pk, sk } }));
  });

  it('shows and sends the others where one cannot be read, and names that one without what is in it', async () => {
    const newer = { pk: keys.customer(stack.customerId), sk: 'NOTICE#new_kind#n1' };
    const created = new Date(Date.now() - 600_000).toISOString();
    const Item = {
      ...newer,
      ...{ customer_id: stack.customerId, notice_id: 'n1', created_at: created, due_at: created },
      ...{ content: { kind: 'new_kind', says: 'secret' }, state: 'failed', attempts: 3, due: 'notice' },
    };
    await table.client.send(new PutCommand({ TableName: table.name, Item }));
    await refuse(100);
    await issueKey();
    await expect.poll(states, eventually).toEqual(['failed']);

    const listed = await run('notices', 'list');
    expect(listed.code).toBe(0);
    expect(listed.stdout).toContain('AccountSuspendedException');
    expect(listed.stdout).toContain('  new_kind#n1\n  not readable: content.kind\n');
    const shown = await run('customer', 'show', stack.customerId);
    expect([shown.code, shown.stdout]).toEqual([0, expect.stringContaining('notice new_kind#n1')]);
    await refuse(0);
    const all = await run('notices', 'resend', '--all');
    expect([all.code, all.stdout]).toEqual([
      1,
      expect.stringContaining('1 notice put into the stream again.'),
    ]);
    await expect.poll(states, eventually).toEqual([]);

    const unreadable = [
      { customer_id: stack.customerId, notice: 'new_kind#n1', attributes: ['content.kind'] },
    ];
    const list = JSON.parse((await run('--json', 'notices', 'list')).stdout);
    expect(list).toEqual({ notices: [], unreadable });
    const customer = JSON.parse((await run('--json', 'customer', 'show', stack.customerId)).stdout);
    expect(customer.notices).toMatchObject({ unsent: 0, unreadable });
    for (const { stdout, stderr } of [listed, shown, all]) expect(stdout + stderr).not.toContain('secret');
    await table.client.send(new DeleteCommand({ TableName: table.name, Key: newer }));
  });

  it('says what is wrong with what it is asked', async () => {
    expect(await run('notices', 'resend')).toMatchObject({ code: 2 });
    const neither = ['notices', 'resend', '--all', stack.customerId];
    expect(await run(...neither)).toMatchObject({ code: 2 });
    expect(await run(...neither, 'dispute#du_1')).toMatchObject({ code: 2 });
    expect((await run('notices', 'resend', stack.customerId, 'nothing')).code).toBe(2);
    const unknown = await run('notices', 'resend', stack.customerId, 'dispute#du_1');
    expect([unknown.code, unknown.stderr]).toEqual([
      1,
      expect.stringContaining('has no notice dispute#du_1'),
    ]);
  });

  it('warns now whom the schedule would warn within the hour', async () => {
    const Warned = z.object({ warned: z.int(), failed: z.int() });
    const spend = await run('adjust', stack.customerId, '-1', '--reason', 'test', '--yes');
    expect(spend.code, spend.stderr).toBe(0);
    expect(await json(Warned, 'notices', 'warn')).toEqual({ warned: 1, failed: 0 });
    expect(await json(Warned, 'notices', 'warn')).toEqual({ warned: 0, failed: 0 });
  });
});

const Reconciled = z.object({
  run: z.string(),
  report: z.looseObject({ drift: z.looseObject({ count: z.int() }) }),
});

describe('rsolv-billing reconcile', () => {
  it('says zero over how many, and shows a finished run again', async () => {
    const clean = await run('reconcile', '--run', 'clean');
    expect(clean).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^0 drift in 1 customer, 2 entries;/),
    });
    for (const line of clean.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    expect((await run('reconcile', '--run', 'clean')).stdout).toBe(clean.stdout);
    expect((await json(Reconciled, 'reconcile')).report).toMatchObject({
      upToNow: true,
      drift: { count: 0 },
    });
  });

  it('ends with 1 where an entry is gone, and names it', async () => {
    const key = keys.entry(stack.customerId, 2);
    await table.client.send(new DeleteCommand({ TableName: table.name, Key: { ...key } }));
    const drifted = await run('reconcile', '--run', 'drifted');
    expect(drifted.code).toBe(1);
    expect(drifted.stdout).toContain('entry 2 is missing');
    expect(drifted.stdout).toContain(stack.customerId);
  });

  it('ends with 3 where Stripe is away, which is no drift, and goes on with the same run afterwards', async () => {
    const control = (path: string, body: object) =>
      fetch(`${stripeUrl}/_double/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    await control('faults', { path: '/v1/events', kind: 'drop_before', times: 99 });
    const away = await run('reconcile', '--run', 'away');
    expect([away.code, away.stderr]).toEqual([3, expect.stringContaining('Stripe did not answer')]);
    await control('faults/clear', {});
    expect((await run('reconcile', '--run', 'away')).stdout).toContain('run       away,');
  });

  it('refuses a name that is none', async () => {
    expect((await run('reconcile', '--run', 'a/b')).code).toBe(2);
  });
});
