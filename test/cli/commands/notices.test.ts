import { DeleteCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod/mini';
import { MailFault } from '../../../lib/mail/port.ts';
import { issueKey } from '../../../lib/operations/accounts/api-keys.ts';
import { deliverNotice } from '../../../lib/operations/notices/deliver-notice.ts';
import { dueAt } from '../../../lib/store/due-work.ts';
import { keys } from '../../../lib/store/keys.ts';
import { encodeNewNotice } from '../../../lib/store/notices.ts';
import { openService } from '../../support/cli/service.ts';
import { documents } from '../../support/documents.ts';
import { customerWith, range } from '../../support/fixtures.ts';
import { foundUnsent } from '../../support/notices.ts';

vi.mock('../../../lib/runtime/start.ts', () => import('../../support/cli/runtime.ts'));

const service = await openService();
afterAll(() => service.stop());
const { deps, table, run } = service;
const { customerId } = (await customerWith(deps, 5)).head;

/** Whether the mail service refuses every message. */
let isRefusing = false;
const mail = {
  send: async () => {
    if (isRefusing) throw new MailFault('AccountSuspendedException');
    return 'message-1';
  },
};
const mailDeps = { ...deps, mail, appUrl: 'https://app.rsolv.example', apiUrl: 'https://api.rsolv.example' };

/** Does what the stream does: delivers each pending notice, with up to three tries. */
async function deliver(): Promise<void> {
  for (const found of await foundUnsent(table, deps.now())) {
    if ('unreadable' in found || found.notice.state !== 'pending') continue;
    const { customerId: id, content, id: noticeId } = found.notice;
    const name = { customerId: id, kind: content.kind, id: noticeId };
    for (let tries = 0; tries < 3; tries++) {
      const outcome = await deliverNotice(mailDeps, name).catch((error: unknown) => error);
      if (!(outcome instanceof MailFault)) break;
    }
  }
}
const refuse = (isOn: boolean) => {
  isRefusing = isOn;
};
const issue = async () => {
  await issueKey(deps, customerId);
  await deliver();
};
beforeEach(async () => {
  refuse(false);
  await deliver();
});

async function json<T>(schema: z.ZodMiniType<T>, ...args: string[]): Promise<T> {
  return schema.parse((await service.json(...args)).answer);
}
/** Runs in a pipe and removes the line that names the stage. */
async function pipe(...args: string[]) {
  const { code, stdout, stderr } = await run(...args);
  return { code, stdout: stdout.replace(/^stage local\n/, ''), stderr };
}

const Unsent = z.object({
  notices: z.array(z.object({ customer_id: z.string(), notice: z.string(), state: z.string() })),
});
const states = async () => (await json(Unsent, 'notices', 'list')).notices.map(({ state }) => state);
/** Makes the claim of a notice stale, as a delivery that crashed ten minutes ago leaves it. */
const leaveStaleClaim = (notice: string) =>
  documents(table).send(
    new UpdateCommand({
      TableName: table.name,
      Key: { pk: keys.customer(customerId), sk: `NOTICE#${notice}` },
      UpdateExpression: 'SET #state = :sending, claimed_at = :claimedAt',
      ExpressionAttributeNames: { '#state': 'state' },
      ExpressionAttributeValues: {
        ':sending': 'sending',
        ':claimedAt': new Date(deps.now().getTime() - 600_000).toISOString(),
      },
    }),
  );
/** The number of unsent notices, and the state of the newest. */
const unsentSummary = async () => {
  const all = await states();
  return { count: all.length, newestState: all.at(-1) };
};
const Resent = z.object({
  notices: z.array(z.object({ notice: z.string(), requeued: z.boolean() })),
});
/** A notice that failed three tries a day ago. */
/** @param nth distinguishes times: DynamoDB gives notices of one time in any order */
function failedLongAgo(id: string, nth = 0) {
  const createdAt = new Date(deps.now().getTime() - 86_400_000 + nth * 1_000).toISOString();
  const content = { kind: 'dispute', disputeId: id, amountCents: 1 } as const;
  const item = encodeNewNotice({ customerId: customerId, id, createdAt, content });
  const key = keys.notice(customerId, 'dispute', id);
  return {
    ...item,
    ...key,
    ...dueAt('notice', new Date(createdAt)),
    state: 'failed',
    failure: 'MessageRejected',
  };
}

describe('rsolv-billing notices', () => {
  it('failed notices are listed, and can be resent one by name or all together', async () => {
    expect(await states()).toEqual([]);
    refuse(true);
    await issue();
    await issue();
    await deliver();
    expect(await states()).toEqual(['failed', 'failed']);
    const listed = await pipe('notices', 'list');
    expect(listed.stdout).toContain('AccountSuspendedException');
    for (const line of (await service.runIn({ columns: 80 }, 'notices', 'list')).stdout.split('\n'))
      expect(line.length).toBeLessThanOrEqual(80);

    refuse(false);
    const [first] = (await json(Unsent, 'notices', 'list')).notices;
    const one = await pipe('notices', 'resend', customerId, first?.notice ?? '');
    expect(one).toMatchObject({ code: 0, stdout: '1 notice queued again.\n' });
    await deliver();
    expect(await states()).toEqual(['failed']);
    expect((await pipe('notices', 'resend', '--all')).code).toBe(0);
    await deliver();
    expect(await states()).toEqual([]);
    expect((await pipe('notices', 'list')).stdout).toBe('No unsent notices.\n');
    const again = await pipe('notices', 'resend', customerId, first?.notice ?? '');
    expect(again.stdout).toContain('skipped: sent already');
  });

  it('notices resend --all also queues a notice whose delivery crashed', async () => {
    refuse(true);
    await issue();
    await deliver();
    expect(await states()).toEqual(['failed']);
    const [notice] = (await json(Unsent, 'notices', 'list')).notices;
    await leaveStaleClaim(notice?.notice ?? '');
    refuse(false);
    const all = await pipe('notices', 'resend', '--all');
    expect(all.stdout).toBe('1 notice queued again.\n');
    await deliver();
    expect(await states()).toEqual([]);
  });

  it('notices resend --all reaches a new notice behind more than 100 failing ones, each once', async () => {
    const old = range(1, 120).map((n) => failedLongAgo(`old_${n}`, n));
    for (const Item of old) await documents(table).send(new PutCommand({ TableName: table.name, Item }));
    refuse(true);
    await issue();
    await deliver();
    expect(await unsentSummary()).toEqual({ count: 121, newestState: 'failed' });

    const listed = (await pipe('notices', 'list')).stdout;
    expect(listed).toMatch(/\n {2}dispute#old_1\n[\s\S]*\n {2}dispute#old_120\n[\s\S]*\n {2}key_issued#/);
    expect(listed).toMatch(/\n121 notices not sent\.\n$/);
    const sent = await json(Resent, 'notices', 'resend', '--all');
    expect(new Set(sent.notices.map(({ notice }) => notice)).size).toBe(121);
    expect(sent.notices.every(({ requeued }) => requeued)).toBe(true);
    for (const { pk, sk } of old)
      await documents(table).send(new DeleteCommand({ TableName: table.name, Key: { pk, sk } }));
    await deliver();
    expect(await unsentSummary()).toEqual({ count: 1, newestState: 'failed' });
    refuse(false);
    expect((await pipe('notices', 'resend', '--all')).stdout).toBe('1 notice queued again.\n');
    await deliver();
    expect(await states()).toEqual([]);
  });

  it('notices resend --all queues the other notices and names a refused one with the reason', async () => {
    const both = ['du.odd', 'du_2'].map(failedLongAgo);
    for (const Item of both) await documents(table).send(new PutCommand({ TableName: table.name, Item }));
    const { code, stdout } = await pipe('notices', 'resend', '--all');
    expect(stdout).toMatch(/^customer \w+\n {2}dispute#du\.odd\n {2}notice: must be the kind and the id/);
    expect(stdout).toMatch(/\n1 notice queued again\.\n1 notice not queued\.\n$/);
    expect(code).toBe(1);
    for (const { pk, sk } of both)
      await documents(table).send(new DeleteCommand({ TableName: table.name, Key: { pk, sk } }));
  });

  it('an unreadable notice is named without its content, and the other notices are resent', async () => {
    const newer = { pk: keys.customer(customerId), sk: 'NOTICE#new_kind#n1' };
    const created = new Date(deps.now().getTime() - 600_000).toISOString();
    const Item = {
      ...newer,
      ...{ customer_id: customerId, notice_id: 'n1', created_at: created, due_at: created },
      ...{ content: { kind: 'new_kind', says: 'secret' }, state: 'failed', attempts: 3, due: 'notice' },
    };
    await documents(table).send(new PutCommand({ TableName: table.name, Item }));
    refuse(true);
    await issue();
    await deliver();
    expect(await states()).toEqual(['failed']);

    const listed = await pipe('notices', 'list');
    expect(listed.code).toBe(0);
    expect(listed.stdout).toContain('AccountSuspendedException');
    expect(listed.stdout).toContain('  new_kind#n1\n  not readable: content.kind\n');
    const shown = await pipe('customer', 'show', customerId);
    expect([shown.code, shown.stdout]).toEqual([0, expect.stringContaining('notice new_kind#n1')]);
    refuse(false);
    const all = await pipe('notices', 'resend', '--all');
    expect([all.code, all.stdout]).toEqual([1, expect.stringContaining('1 notice queued again.')]);
    await deliver();
    expect(await states()).toEqual([]);

    const unreadable = [{ customer_id: customerId, notice: 'new_kind#n1', attributes: ['content.kind'] }];
    const list = (await service.json('notices', 'list')).answer;
    expect(list).toEqual({ notices: [], held: [], unreadable });
    const customer = (await service.json('customer', 'show', customerId)).answer;
    expect(customer['notices']).toMatchObject({ unsent: 0, unreadable });
    for (const { stdout, stderr } of [listed, shown, all]) expect(stdout + stderr).not.toContain('secret');
    await documents(table).send(new DeleteCommand({ TableName: table.name, Key: newer }));
  });

  it('notices resend refuses incomplete and ambiguous arguments, and an unknown notice', async () => {
    expect(await pipe('notices', 'resend')).toMatchObject({ code: 2 });
    const ambiguous = ['notices', 'resend', '--all', customerId];
    expect(await pipe(...ambiguous)).toMatchObject({ code: 2 });
    expect(await pipe(...ambiguous, 'dispute#du_1')).toMatchObject({ code: 2 });
    expect((await pipe('notices', 'resend', customerId, 'nothing')).code).toBe(2);
    const unknown = await pipe('notices', 'resend', customerId, 'dispute#du_1');
    expect([unknown.code, unknown.stderr]).toEqual([
      1,
      expect.stringContaining('has no notice dispute#du_1'),
    ]);
  });

  it('held notices are listed with their day, and are not resent', async () => {
    const other = (await customerWith(deps, 5)).head.customerId;
    for (const _ of range(1, 8)) await issueKey(deps, other);
    await deliver();
    const listed = await pipe('notices', 'list');
    expect(listed.stdout).toMatch(/0 tries: held\n1 notice held for the next day, in one letter\.\n$/);
    const Held = z.object({ held: z.array(z.object({ notice: z.string(), state: z.literal('held') })) });
    const [held] = (await json(Held, 'notices', 'list')).held;
    expect((await pipe('notices', 'resend', '--all')).stdout).toBe('0 notices queued again.\n');
    const one = await pipe('notices', 'resend', other, held?.notice ?? '');
    expect(one.stdout).toContain('skipped: sent already, held, or in flight');
  });

  it('notices warn writes each due low-balance warning once', async () => {
    const Warned = z.object({ warned: z.int(), failed: z.int() });
    const spend = await pipe('adjust', customerId, '-1', '--reason', 'test', '--yes');
    expect(spend.code, spend.stderr).toBe(0);
    expect(await json(Warned, 'notices', 'warn')).toEqual({ warned: 1, failed: 0 });
    expect(await json(Warned, 'notices', 'warn')).toEqual({ warned: 0, failed: 0 });
  });
});
