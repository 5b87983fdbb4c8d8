import { ThrottlingException } from '@aws-sdk/client-dynamodb';
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Notice } from '../../lib/domain/notice.ts';
import { dueAt, dueWorkPages, listDueWork, postponeWork } from '../../lib/store/due-work.ts';
import { keys, type NoticeName } from '../../lib/store/keys.ts';
import {
  claimNotice,
  decodeNotice,
  encodeNewNotice,
  noteFate,
  putNotice,
  readNotices,
  requeueNotice,
} from '../../lib/store/notices.ts';
import { hitRateLimit } from '../../lib/store/rate-limits.ts';
import { readTogether, type Table, writeTogether } from '../../lib/store/table.ts';
import { documents, middlewareOf } from '../support/documents.ts';
import { range } from '../support/fixtures.ts';
import { foundUnsent, unsentOf } from '../support/notices.ts';
import { openTestTable } from '../support/table.ts';

/* What is stored about pending notices, due work, and the number of calls per caller. */

let table: Table;
beforeAll(async () => {
  table = await openTestTable();
});

const seconds = (count: number) => new Date(Date.parse('2026-01-02T00:00:00.000Z') + count * 1_000);
const isoAt = (count: number) => seconds(count).toISOString();

describe('a notice on its way', () => {
  const CUSTOMER = 'c'.repeat(32);
  let written = 0;

  async function stored(createdAt = isoAt(0)): Promise<NoticeName> {
    written += 1;
    const notice: Notice = {
      customerId: CUSTOMER,
      id: `dp_${written}`,
      createdAt,
      content: { kind: 'dispute', disputeId: `dp_${written}`, amountCents: 1 },
    };
    await writeTogether(table, [putNotice(notice)]);
    return { customerId: CUSTOMER, kind: 'dispute', id: notice.id };
  }
  const read = async ({ customerId, kind, id }: NoticeName) =>
    (await readTogether(table, [keys.notice(customerId, kind, id)]))[0];
  it('a notice of the first release, without the dispute field, can still be read', async () => {
    const { customerId, id } = await stored();
    const item = await read({ customerId, kind: 'dispute', id });
    const content = { kind: 'exhausted', hasCard: true, rate: 'pro' };
    expect(decodeNotice({ ...item, content }).content).toEqual({
      ...content,
      isDisputed: false,
      isDeclined: false,
      isOverLimit: false,
    });
  });

  const unsent = async () => (await unsentOf(table, seconds(1_000))).map(({ id }) => id);

  it('a notice is due until it is sent, and expires 400 days later', async () => {
    const name = await stored();
    expect(await read(name)).toMatchObject({ state: 'pending', due: 'notice', due_at: isoAt(0) });
    expect(await unsent()).toContain(name.id);
    expect((await claimNotice(table, name, seconds(1), seconds(0))).kind).toBe('written');
    expect(await read(name)).toMatchObject({ state: 'sending', claimed_at: isoAt(1), attempts: 1 });
    const fate = { state: 'sent', messageId: 'm1' } as const;
    expect((await noteFate(table, name, seconds(1), fate, seconds(2))).kind).toBe('written');
    const sent = await read(name);
    expect(sent).toMatchObject({
      state: 'sent',
      content: { kind: 'dispute', disputeId: name.id, amountCents: 1 },
      sent_at: isoAt(2),
      message_id: 'm1',
      attempts: 1,
      expires_at: seconds(2).getTime() / 1_000 + 400 * 86_400,
    });
    for (const gone of ['due', 'due_at', 'claimed_at', 'failure']) expect(sent).not.toHaveProperty(gone);
    expect(await unsent()).not.toContain(name.id);
  });

  it('a failed notice stays due with its reason, and a new claim is counted', async () => {
    const name = await stored();
    await claimNotice(table, name, seconds(1), seconds(0));
    await noteFate(table, name, seconds(1), { state: 'failed', failure: 'Throttled' }, seconds(2));
    const failed = await read(name);
    expect(failed).toMatchObject({ state: 'failed', failure: 'Throttled', due: 'notice', attempts: 1 });
    for (const gone of ['claimed_at', 'expires_at', 'sent_at']) expect(failed).not.toHaveProperty(gone);
    expect(await unsent()).toContain(name.id);
    expect((await claimNotice(table, name, seconds(3), seconds(2))).kind).toBe('written');
    expect(await read(name)).toMatchObject({ state: 'sending', attempts: 2 });
    await noteFate(table, name, seconds(3), { state: 'muted' }, seconds(4));
    const muted = await read(name);
    expect(muted).toMatchObject({ state: 'muted', expires_at: expect.any(Number) });
    for (const gone of ['failure', 'due', 'message_id', 'sent_at']) expect(muted).not.toHaveProperty(gone);
    expect(await unsent()).not.toContain(name.id);
  });

  it.each([{ state: 'sent', messageId: 'm1' }, { state: 'muted' }] as const)(
    'an earlier address is stored only until its letter is $state',
    async (fate) => {
      const content = { kind: 'address_changed', to: 'old@example.com' } as const;
      const name = { customerId: CUSTOMER, kind: content.kind, id: fate.state } as const;
      const notice = { customerId: CUSTOMER, id: name.id, createdAt: isoAt(0), content };
      await writeTogether(table, [putNotice(notice)]);
      await claimNotice(table, name, seconds(1), seconds(0));
      await noteFate(table, name, seconds(1), { state: 'failed', failure: 'Throttled' }, seconds(2));
      expect(await read(name)).toMatchObject({ state: 'failed', content });
      await claimNotice(table, name, seconds(3), seconds(2));
      await noteFate(table, name, seconds(3), fate, seconds(4));
      expect(await read(name)).toMatchObject({ state: fate.state, content: { ...content, to: null } });
    },
  );

  it('a claimed notice stays claimed until it is given up', async () => {
    const name = await stored();
    await claimNotice(table, name, seconds(10), seconds(0));
    expect((await claimNotice(table, name, seconds(11), seconds(10))).kind).toBe('refused');
    expect((await requeueNotice(table, name, seconds(11), seconds(10))).kind).toBe('refused');
    expect((await claimNotice(table, name, seconds(12), seconds(11))).kind).toBe('written');
  });

  it('a notice is put into the stream again even if it still waits there', async () => {
    const name = await stored();
    expect((await requeueNotice(table, name, seconds(5), seconds(0))).kind).toBe('written');
    expect(await read(name)).toMatchObject({ state: 'pending', requeued_at: isoAt(5), due: 'notice' });
  });

  it('an unreadable notice, as of a newer release, is named by its key and attribute, without its value', async () => {
    const own = await openTestTable();
    const known: Notice = {
      customerId: CUSTOMER,
      id: 'du_1',
      createdAt: isoAt(0),
      content: { kind: 'dispute', disputeId: 'du_1', amountCents: 1 },
    };
    await writeTogether(own, [putNotice(known)]);
    const newer = { sk: 'NOTICE#new_kind#n1', content: { kind: 'new_kind', says: 'not to be shown' } };
    const item = { ...encodeNewNotice(known), ...dueAt('notice', seconds(1)), ...newer };
    await documents(own).send(new PutCommand({ TableName: own.name, Item: item }));

    const readable = { notice: expect.objectContaining({ id: 'du_1' }) };
    const unreadable = { customerId: CUSTOMER, label: 'new_kind#n1', attributes: ['content.kind'] };
    expect(await foundUnsent(own, seconds(500))).toEqual([readable, { unreadable }]);
    expect(await readNotices(own, CUSTOMER)).toEqual([readable, { unreadable }]);
  });

  it('a notice is listed however many are older', async () => {
    const own = await openTestTable();
    for (const n of range(1, 250)) {
      const content = { kind: 'dispute', disputeId: `du_${n}`, amountCents: 1 } as const;
      const one: Notice = { customerId: CUSTOMER, id: content.disputeId, createdAt: isoAt(n), content };
      await writeTogether(own, [putNotice(one)]);
    }
    const listed = await unsentOf(own, seconds(1_000));
    expect(listed.map(({ id }) => id)).toEqual(range(1, 250).map((n) => `du_${n}`));
  });

  it('a notice is listed by its age, and not before its time', async () => {
    const [late, early] = [await stored(isoAt(200)), await stored(isoAt(100))];
    const listed = (await unsentOf(table, seconds(500))).map(({ id }) => id);
    expect(listed.indexOf(early.id)).toBeLessThan(listed.indexOf(late.id));
    expect((await unsentOf(table, seconds(150))).map(({ id }) => id)).not.toContain(late.id);
  });
});

describe('work that is due', () => {
  it('due work is listed page by page, oldest first, each once', async () => {
    const own = await openTestTable();
    for (const n of range(1, 7)) {
      const notice: Notice = {
        customerId: 'd'.repeat(32),
        id: `dp_${n}`,
        createdAt: isoAt(n),
        content: { kind: 'dispute', disputeId: `dp_${n}`, amountCents: 1 },
      };
      await writeTogether(own, [putNotice(notice)]);
    }
    const pages: string[][] = [];
    for await (const page of dueWorkPages(own, 'notice', seconds(6), 2)) {
      pages.push(page.map(({ key }) => key.sk));
    }
    const inOrder = range(1, 6).map((n) => `NOTICE#dispute#dp_${n}`);
    expect(pages.flat()).toEqual(inOrder);
    expect(pages[0]).toHaveLength(2);
    expect((await listDueWork(own, 'notice', seconds(6), 3)).map(({ key }) => key.sk)).toEqual(
      inOrder.slice(0, 3),
    );
    expect(await listDueWork(own, 'charge', seconds(6), 3)).toEqual([]);
    const [first] = await listDueWork(own, 'notice', seconds(6), 1);
    if (first === undefined) throw new Error('nothing is due');
    expect(first.item).toMatchObject({ kind: 'notice' });
    await postponeWork(own, first, seconds(6.5));
    const left = await listDueWork(own, 'notice', seconds(6.5), 9);
    expect(left.map(({ key }) => key.sk)).toEqual([...inOrder.slice(1), first.key.sk]);
  });
});

describe('a rate limit', () => {
  const LIMIT = { limit: 3, windowSeconds: 60 };
  let scopes = 0;
  const scope = () => {
    scopes += 1;
    return `tests-${scopes}`;
  };
  const hit = (of: string, atSeconds: number) => hitRateLimit(table, of, LIMIT, seconds(atSeconds));

  it('a rate limit accepts its number of calls in any window, says when the next is free, and does not count rejected calls', async () => {
    const of = scope();
    for (const at of [0, 10, 20]) expect(await hit(of, at)).toEqual({ kind: 'allowed' });
    expect(await hit(of, 30)).toEqual({ kind: 'limited', retryAfterSeconds: 30 });
    expect(await hit(of, 59.5)).toEqual({ kind: 'limited', retryAfterSeconds: 1 });
    expect(await hit(of, 60)).toEqual({ kind: 'allowed' });
    expect(await hit(of, 61)).toEqual({ kind: 'limited', retryAfterSeconds: 9 });
    expect(await hit(of, 70)).toEqual({ kind: 'allowed' });
    const [item] = await readTogether(table, [keys.rate(of, LIMIT.windowSeconds)]);
    expect(item).toMatchObject({
      hits: [20, 60, 70].map((at) => seconds(at).getTime()),
      expires_at: seconds(70).getTime() / 1_000 + 60,
    });
  });

  it('a rate limit is stored for each scope, until the window after the last hit is over', async () => {
    const [a, b] = [scope(), scope()];
    for (const at of [0, 0, 0]) await hit(a, at);
    expect((await hit(a, 0)).kind).toBe('limited');
    expect(await hit(b, 0.5)).toEqual({ kind: 'allowed' });
    const [item] = await readTogether(table, [keys.rate(b, LIMIT.windowSeconds)]);
    expect(item).toMatchObject({ expires_at: seconds(1).getTime() / 1_000 + 60 });
  });

  it('a call that could not be counted for lack of capacity is neither accepted nor limited', async () => {
    middlewareOf(table).add(
      () => async () => {
        throw new ThrottlingException({ message: 'slow down', $metadata: {} });
      },
      { step: 'initialize', priority: 'high', name: 'busy' },
    );
    const asked = hit(scope(), 0).finally(() => middlewareOf(table).remove('busy'));
    await expect(asked).rejects.toMatchObject({ code: 'ledger_unavailable' });
  });
});
