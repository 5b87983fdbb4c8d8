import { beforeEach, describe, expect, it } from 'vitest';
import type { NoticeKind } from '../../../lib/domain/notice-kinds.ts';
import { keyRevoked } from '../../../lib/domain/notices/key-notices.ts';
import { disputeOpened } from '../../../lib/domain/notices/money-notices.ts';
import { type Mail, MailFault } from '../../../lib/mail/port.ts';
import { issueKey } from '../../../lib/operations/accounts/api-keys.ts';
import { changeNoticeSettings } from '../../../lib/operations/notices/change-settings.ts';
import { deliverNotice, type MailDeps } from '../../../lib/operations/notices/deliver-notice.ts';
import { joinHeldNotices } from '../../../lib/operations/notices/join-held.ts';
import { measureOpenWork } from '../../../lib/operations/work/measure-open-work.ts';
import type { BusinessEvent } from '../../../lib/runtime/business-events.ts';
import { type Key, keys } from '../../../lib/store/keys.ts';
import { heldNotices, putNotice, type StoredNotice } from '../../../lib/store/notices.ts';
import { readTogether, writeTogether } from '../../../lib/store/table.ts';
import { markClosed } from '../../support/customers.ts';
import { customerWith, range } from '../../support/fixtures.ts';
import { allNoticesOf, foundUnsent, slowMail } from '../../support/notices.ts';
import { remove, tamper } from '../../support/reconciliation.ts';
import { setHead } from '../../support/set-head.ts';
import { beforeTableCall, countingCalls, dyingAfter, openTestTable, testDeps } from '../../support/table.ts';

/* How many letters an address gets in a day, and the digest that has the others. */

const MORNING = new Date('2026-12-01T09:00:00.000Z');
const NEXT_DAY = new Date('2026-12-02T00:05:00.000Z');

let at: Date;
let sent: Mail[];
let reported: BusinessEvent[];
let deps: MailDeps;
beforeEach(async () => {
  [at, sent, reported] = [MORNING, [], []];
  const own = testDeps(await openTestTable(), { now: () => at, report: (event) => reported.push(event) });
  const mail = { send: async (message: Mail) => `m${sent.push(message)}` };
  deps = { ...own, mail, appUrl: 'https://app.rsolv.dev', apiUrl: 'https://api.rsolv.dev' };
});

/** Delivers all pending notices in the order of their ids, because an engine lists those of one time in any. */
async function stream(by: MailDeps = deps): Promise<string[]> {
  const outcomes: string[] = [];
  const found = await foundUnsent(deps.table, at);
  const pending = found.flatMap((one) =>
    'notice' in one && one.notice.state === 'pending' ? [one.notice] : [],
  );
  for (const { customerId, content, id } of pending.toSorted(byNumber)) {
    outcomes.push(await deliverNotice(by, { customerId, kind: content.kind, id }));
  }
  return outcomes;
}

const byNumber = (a: StoredNotice, b: StoredNotice): number =>
  a.createdAt.localeCompare(b.createdAt) ||
  a.content.kind.localeCompare(b.content.kind) ||
  a.id.localeCompare(b.id, 'en', { numeric: true });

/** A customer who has got the letter of the sign-up. */
async function customer(): Promise<string> {
  const { customerId } = (await customerWith(deps, 5)).head;
  await stream();
  return customerId;
}

const causeBlocked = async (customerId: string, from: number, to: number) => {
  for (const prNumber of range(from, to)) {
    const content = {
      kind: 'fix_blocked',
      reason: 'no_billing_info',
      repo: 'acme/webshop',
      prNumber,
    } as const;
    const notice = { customerId, id: `f${prNumber}`, createdAt: at.toISOString(), content };
    await writeTogether(deps.table, [putNotice(notice)]);
  }
};

const causeRevoked = async (customerId: string, from: number, to: number) => {
  for (const n of range(from, to)) {
    const key = { keyId: `k${n}`, scope: 'fixes', by: 'customer' } as const;
    await writeTogether(deps.table, [putNotice(keyRevoked(customerId, key, at))]);
  }
};

const statesOf = async (customerId: string): Promise<Record<string, number>> => {
  const counts: Record<string, number> = {};
  for (const { state } of await allNoticesOf(deps.table, customerId))
    counts[state] = (counts[state] ?? 0) + 1;
  return counts;
};
const digestsOf = async (customerId: string): Promise<StoredNotice[]> =>
  (await allNoticesOf(deps.table, customerId)).filter(({ content }) => content.kind === 'digest');
const kindsSent = () => sent.map(({ kind }) => kind);
const joinNext = async () => {
  at = NEXT_DAY;
  return joinHeldNotices(deps);
};

/** A customer with 2 held notices of a kind that can be turned off, and one that cannot. */
async function withHeld(): Promise<string> {
  const customerId = await customer();
  await causeBlocked(customerId, 1, 5);
  await causeRevoked(customerId, 1, 5);
  await stream();
  expect(await statesOf(customerId)).toMatchObject({ held: 3 });
  return customerId;
}

describe('an unconfirmed address', () => {
  it('40 key rotations send 8 letters on their day, and all others in one letter of the next day', async () => {
    const { head, keyId } = await customerWith(deps, 5);
    const { customerId } = head;
    let replaces = keyId;
    for (const _ of range(1, 40)) {
      replaces = (await issueKey(deps, customerId, 'customer', { replaces })).keyId;
      await stream();
    }
    expect(sent).toHaveLength(8);
    expect(await statesOf(customerId)).toEqual({ sent: 8, held: 33 });

    expect(await joinHeldNotices(deps)).toEqual({ digests: 0, failed: 0 });
    expect(await joinNext()).toEqual({ digests: 1, failed: 0 });
    expect(await stream()).toEqual(['sent']);
    expect(sent).toHaveLength(9);
    const [digest, ...others] = await digestsOf(customerId);
    expect(others).toEqual([]);
    expect(digest).toMatchObject({ id: '2026-12-02', state: 'sent', messageId: 'm9' });
    const all = await allNoticesOf(deps.table, customerId);
    const joined = all.filter(({ state }) => state === 'joined');
    expect(joined.map(({ joinedIn }) => joinedIn)).toEqual(range(1, 33).map(() => '2026-12-02'));
    const { subject, text } = sent[8] ?? { subject: '', text: '' };
    expect(subject).toBe('33 messages about your RSOLV account');
    const words = text.replace(/\s+/g, ' ');
    expect(words.match(/A new API key for your RSOLV account\. You issued/g)).toHaveLength(30);
    expect(words).toContain('And 3 more: 3 × key issued.');
    expect(words).toContain('https://api.rsolv.dev/billing');
    expect([...(await foundUnsent(deps.table, at))]).toEqual([]);
    expect(await joinHeldNotices(deps)).toEqual({ digests: 0, failed: 0 });
  });

  it('a dispute is sent at once on a day with many other letters', async () => {
    const customerId = await customer();
    await causeBlocked(customerId, 1, 9);
    await stream();
    await writeTogether(deps.table, [
      putNotice(disputeOpened(customerId, { id: 'du_1', amountCents: 1 }, at)),
    ]);
    expect(await stream()).toEqual(['sent']);
    expect(kindsSent()).toEqual(['key_issued', 'fix_blocked', 'fix_blocked', 'fix_blocked', 'dispute']);
  });

  it('concurrent deliveries send no more letters than one after the other', async () => {
    const customerId = await customer();
    await causeBlocked(customerId, 1, 12);
    const names = range(1, 12).map((n) => ({ customerId, kind: 'fix_blocked', id: `f${n}` }) as const);
    const outcomes = await Promise.all([...names, ...names].map((name) => deliverNotice(deps, name)));
    expect(outcomes.filter((one) => one === 'sent')).toHaveLength(3);
    expect(await statesOf(customerId)).toEqual({ sent: 4, held: 9 });
    expect(sent).toHaveLength(4);
  });

  it('of two deliveries of a letter beyond the cap, one holds it and the other changes nothing', async () => {
    const customerId = await customer();
    await causeBlocked(customerId, 1, 3);
    await stream();
    await causeBlocked(customerId, 4, 4);
    const name = { customerId, kind: 'fix_blocked', id: 'f4' } as const;
    const table = beforeTableCall(deps.table, 'TransactWrite', async () => {
      expect(await deliverNotice(deps, name)).toBe('held');
    });
    expect(await deliverNotice({ ...deps, table }, name)).toBe('taken');
    expect(await statesOf(customerId)).toEqual({ sent: 4, held: 1 });
  });

  it('a letter that was counted is sent on its day, although a second delivery finds the day full', async () => {
    const customerId = await customer();
    await causeBlocked(customerId, 1, 2);
    await stream();
    await causeBlocked(customerId, 3, 3);
    const name = { customerId, kind: 'fix_blocked', id: 'f3' } as const;
    const { mail, reached, answer } = slowMail();
    let first: Promise<string> | undefined;
    const refuse = async () => {
      answer.reject(new MailFault('MessageRejected'));
      await expect(first).rejects.toThrow('MessageRejected');
    };
    const table = beforeTableCall(deps.table, 'TransactWrite', async (nth) => {
      if (nth > 1) return refuse();
      // The first delivery claims the notice, and fills the day.
      first = deliverNotice({ ...deps, mail }, name);
      await reached;
    });
    expect(await deliverNotice({ ...deps, table }, name)).toBe('taken');
    await refuse();
    expect(await deliverNotice(deps, name)).toBe('sent');
  });

  it('the letters of a new day are counted from 0, and its digest is one of them', async () => {
    const customerId = await customer();
    at = new Date('2026-12-01T23:59:59.999Z');
    await causeBlocked(customerId, 1, 4);
    expect(await stream()).toEqual(['sent', 'sent', 'sent', 'held']);
    await joinNext();
    await causeBlocked(customerId, 5, 7);
    expect((await stream()).sort()).toEqual(['held', 'sent', 'sent', 'sent']);
    expect(kindsSent().slice(4).sort()).toEqual(['digest', 'fix_blocked', 'fix_blocked']);
  });

  it('a letter that the mail service refused counts once, however often it is tried on that day', async () => {
    const customerId = await customer();
    await causeBlocked(customerId, 1, 3);
    const refusing = { ...deps, mail: { send: () => Promise.reject(new MailFault('MessageRejected')) } };
    const names = range(1, 3).map((n) => ({ customerId, kind: 'fix_blocked', id: `f${n}` }) as const);
    for (const name of [...names, ...names]) {
      await expect(deliverNotice(refusing, name)).rejects.toThrow('MessageRejected');
    }
    for (const name of names) expect(await deliverNotice(deps, name)).toBe('sent');
  });
});

it('a confirmed address gets 20 letters a day', async () => {
  const customerId = await customer();
  await setHead(deps.table, customerId, 'email_state', 'confirmed');
  await causeBlocked(customerId, 1, 22);
  await stream();
  expect(await statesOf(customerId)).toEqual({ sent: 21, held: 2 });
});

describe('a held notice', () => {
  const heldKinds = async (): Promise<NoticeKind[]> => {
    const kinds: NoticeKind[] = [];
    for await (const found of heldNotices(deps.table)) {
      if ('notice' in found) kinds.push(found.notice.content.kind);
    }
    return kinds.sort();
  };

  it('a held notice is not sent by a repeated stream record, and is not listed as unsent today', async () => {
    const customerId = await withHeld();
    expect(await deliverNotice(deps, { customerId, kind: 'fix_blocked', id: 'f5' })).toBe('held');
    expect(await foundUnsent(deps.table, at)).toEqual([]);
    expect(await heldKinds()).toEqual(['fix_blocked', 'fix_blocked', 'key_revoked']);
  });

  it('a held notice raises no alarm until an hour of its day has passed', async () => {
    await withHeld();
    at = new Date('2026-12-02T00:59:59.000Z');
    expect((await measureOpenWork(deps)).notice.count).toBe(0);
    at = new Date('2026-12-02T01:00:01.000Z');
    expect((await measureOpenWork(deps)).notice).toEqual({ count: 3, oldestSeconds: 3_601 });
  });

  it('a held notice is muted if its kind was turned off meanwhile, and the others are sent', async () => {
    const customerId = await withHeld();
    await changeNoticeSettings(deps, customerId, ['fix_blocked']);
    await joinNext();
    await stream();
    expect(await statesOf(customerId)).toMatchObject({ muted: 2, joined: 1 });
    expect(sent.at(-1)?.text).not.toContain('webshop');
  });

  it('a held notice is left out of a digest that is on its way when its kind is turned off', async () => {
    const customerId = await withHeld();
    await joinNext();
    await changeNoticeSettings(deps, customerId, ['fix_blocked']);
    await stream();
    expect(sent.at(-1)?.subject).toBe('A message about your RSOLV account');
  });

  it('a held notice is muted if the account was closed meanwhile, and so is a digest on its way', async () => {
    const [customerId, other] = [await withHeld(), await withHeld()];
    await markClosed(deps, customerId);
    await joinNext();
    await markClosed(deps, other);
    const before = sent.length;
    expect(await stream()).toEqual(['muted']);
    expect(sent).toHaveLength(before);
    expect(await digestsOf(customerId)).toEqual([]);
    expect(await statesOf(customerId)).toMatchObject({ muted: 3 });
  });

  it('a held notice is in one digest, also of concurrent runs and of runs that crash at any write', async () => {
    const customers = [await withHeld(), await withHeld()];
    at = NEXT_DAY;
    for (const writes of range(0, 3)) {
      await dyingAfter(deps.table, writes, 'TransactWrite', () => joinHeldNotices(deps));
    }
    await Promise.all([joinHeldNotices(deps), joinHeldNotices(deps)]);
    await stream();
    await joinHeldNotices(deps);
    for (const customerId of customers) {
      const [digest, ...others] = await digestsOf(customerId);
      expect(others).toEqual([]);
      expect(digest).toMatchObject({ state: 'sent', content: { notices: expect.any(Array) } });
      expect(await statesOf(customerId)).toMatchObject({ joined: 3 });
    }
    expect(kindsSent().filter((kind) => kind === 'digest')).toHaveLength(2);
    expect(await heldKinds()).toEqual([]);
  });

  it('a held notice waits one more day if its digest is on its way already', async () => {
    const customerId = await withHeld();
    await joinNext();
    await stream();
    // A delivery around midnight: the clock of its process was a little behind.
    at = new Date('2026-12-01T23:59:59.999Z');
    await causeBlocked(customerId, 6, 6);
    expect(await stream()).toEqual(['held']);
    await joinNext();
    expect(await heldKinds()).toEqual(['fix_blocked']);
    // It is not late: its day is the next one.
    at = new Date('2026-12-02T02:00:00.000Z');
    expect((await measureOpenWork(deps)).notice.count).toBe(0);
    at = new Date('2026-12-03T00:01:00.000Z');
    await joinHeldNotices(deps);
    expect(await stream()).toEqual(['sent']);
    expect((await digestsOf(customerId)).map(({ id, state }) => [id, state])).toEqual([
      ['2026-12-02', 'sent'],
      ['2026-12-03', 'sent'],
    ]);
  });

  it('a held notice is joined although the head of another customer is unreadable, and the run reports both', async () => {
    const [broken, ...others] = [await withHeld(), await withHeld(), await withHeld()];
    await setHead(deps.table, broken, 'balance_level', 'nonsense');
    reported = [];
    expect(await joinNext()).toEqual({ digests: 2, failed: 1 });
    expect(reported).toEqual([
      { kind: 'notices_not_joined', customerId: broken, error: expect.any(Error) },
      { kind: 'notices_joined', digests: 2, failed: 1 },
    ]);
    for (const customerId of others) expect(await digestsOf(customerId)).toHaveLength(1);
    expect(await statesOf(broken)).toMatchObject({ held: 3 });
  });

  it('a held notice that became unreadable is counted in the digest, and keeps no other one from it', async () => {
    const customerId = await withHeld();
    await joinNext();
    const key = keys.notice(customerId, 'fix_blocked', 'f4');
    await tamper(deps, key, 'content', { kind: 'fix_blocked' });
    expect(await stream()).toEqual(['sent']);
    const { subject, text } = sent.at(-1) ?? { subject: '', text: '' };
    expect(subject).toBe('3 messages about your RSOLV account');
    expect(text).toContain('And 1 more: 1 × fix blocked.');
  });

  it('a held notice is joined with hundreds of others into one letter', async () => {
    const customerId = await customer();
    await causeBlocked(customerId, 1, 250);
    await stream();
    expect(await joinNext()).toEqual({ digests: 1, failed: 0 });
    expect(await stream()).toEqual(['sent']);
    expect(sent.at(-1)?.text.replace(/\s+/g, ' ')).toContain('And 217 more: 217 × fix blocked.');
    expect(await statesOf(customerId)).toMatchObject({ joined: 247 });
  });

  it('a held notice of a customer who was removed does not fail the run', async () => {
    const customerId = await withHeld();
    await remove(deps, keys.head(customerId));
    expect(await joinNext()).toEqual({ digests: 0, failed: 0 });
    expect(await digestsOf(customerId)).toEqual([]);
  });

  it('a held notice is joined although others of its list are deleted, or no longer held, when they are read', async () => {
    const customerId = await withHeld();
    const keyOf = (id: string) => keys.notice(customerId, 'fix_blocked', id);
    at = NEXT_DAY;
    const table = beforeTableCall(deps.table, 'BatchGet', async () => {
      await remove(deps, keyOf('f4'));
      await tamper(deps, keyOf('f5'), 'state', 'muted');
    });
    expect(await joinHeldNotices({ ...deps, table })).toEqual({ digests: 1, failed: 0 });
    expect(await digestsOf(customerId)).toMatchObject([{ content: { notices: ['key_revoked#k5'] } }]);
  });

  it('a held notice of a kind that only a newer release knows stays held, and the others are joined', async () => {
    const customerId = await withHeld();
    const key: Key = { pk: keys.customer(customerId), sk: 'NOTICE#new_kind#n1' };
    for (const [name, value] of [
      ['state', 'held'],
      ['due', 'held'],
      ['due_at', '2026-12-02T00:00:00.000Z'],
    ] as const)
      await tamper(deps, key, name, value);
    const before = await readTogether(deps.table, [key]);
    expect(await joinNext()).toEqual({ digests: 1, failed: 0 });
    expect(await readTogether(deps.table, [key])).toEqual(before);
  });

  it('a late held notice is muted at once if its kind is turned off, although its digest was sent', async () => {
    const customerId = await withHeld();
    await joinNext();
    await stream();
    at = new Date('2026-12-01T23:59:59.999Z');
    await causeBlocked(customerId, 6, 6);
    expect(await stream()).toEqual(['held']);
    await changeNoticeSettings(deps, customerId, ['fix_blocked']);
    await joinNext();
    expect(await statesOf(customerId)).toMatchObject({ muted: 1 });
    expect(await heldKinds()).toEqual([]);
  });
});

describe('a run that joins held notices', () => {
  it('a run that only mutes makes no digest, and a run that only releases a digest reads nothing', async () => {
    const customerId = await withHeld();
    at = NEXT_DAY;
    await dyingAfter(deps.table, 1, 'TransactWrite', () => joinHeldNotices(deps));
    const released = await countingCalls(deps.table, () => joinHeldNotices(deps));
    expect(released).toEqual({ result: { digests: 1, failed: 0 }, calls: ['Query', 'TransactWriteItems'] });
    expect(await digestsOf(customerId)).toMatchObject([{ state: 'pending' }]);

    at = MORNING;
    const closed = await withHeld();
    await markClosed(deps, closed);
    at = NEXT_DAY;
    const muted = await countingCalls(deps.table, () => joinHeldNotices(deps));
    const calls = ['Query', 'BatchGetItem', 'TransactWriteItems'];
    expect(muted).toEqual({ result: { digests: 0, failed: 0 }, calls });
  });

  it('a run that reads its list after another run has joined it writes nothing', async () => {
    await withHeld();
    at = NEXT_DAY;
    const table = beforeTableCall(deps.table, 'BatchGet', () => joinHeldNotices(deps));
    const { result, calls } = await countingCalls(table, () => joinHeldNotices({ ...deps, table }));
    expect(result).toEqual({ digests: 0, failed: 0 });
    expect(calls).toEqual(['Query', 'BatchGetItem']);
  });

  it('a run that is too late to join does not release the digest of the other run, which may add to it', async () => {
    const customerId = await withHeld();
    at = NEXT_DAY;
    const table = beforeTableCall(deps.table, 'TransactWrite', (nth) =>
      nth === 1 ? dyingAfter(deps.table, 1, 'TransactWrite', () => joinHeldNotices(deps)) : Promise.resolve(),
    );
    expect(await joinHeldNotices({ ...deps, table })).toEqual({ digests: 0, failed: 0 });
    expect(await digestsOf(customerId)).toMatchObject([{ state: 'held' }]);
    expect(await joinHeldNotices(deps)).toEqual({ digests: 1, failed: 0 });
  });

  it('of two runs that release a digest, one counts it', async () => {
    await withHeld();
    at = NEXT_DAY;
    const table = beforeTableCall(deps.table, 'TransactWrite', async (nth) => {
      if (nth === 2) expect(await joinHeldNotices(deps)).toEqual({ digests: 1, failed: 0 });
    });
    expect(await joinHeldNotices({ ...deps, table })).toEqual({ digests: 0, failed: 0 });
  });

  it('a run reads and joins a further page only within its first 30 seconds', async () => {
    const runs: object[] = [];
    for (const tookMs of [30_000, 30_001]) {
      at = MORNING;
      const customerId = await customer();
      await causeBlocked(customerId, 1, 99);
      await stream();
      at = NEXT_DAY;
      const table = beforeTableCall(deps.table, 'TransactWrite', async () => {
        at = new Date(NEXT_DAY.getTime() + tookMs);
      });
      const { calls } = await countingCalls(table, () => joinHeldNotices({ ...deps, table }));
      const { joined } = await statesOf(customerId);
      runs.push({ joined, pages: calls.filter((call) => call === 'Query').length });
    }
    expect(runs).toEqual([
      { joined: 96, pages: 2 },
      { joined: 95, pages: 1 },
    ]);
  });

  it('a digest that has 2,000 notices gets no more of them, and the next day has one for the others', async () => {
    const sizes: number[][] = [];
    for (const size of [1_999, 2_000]) {
      at = MORNING;
      const customerId = await withHeld();
      at = NEXT_DAY;
      await dyingAfter(deps.table, 1, 'TransactWrite', () => joinHeldNotices(deps));
      const notices = range(1, size).map((n) => `fix_blocked#x${n}`);
      const key = keys.notice(customerId, 'digest', '2026-12-02');
      await tamper(deps, key, 'content', { kind: 'digest', notices });
      at = new Date('2026-12-01T23:59:59.999Z');
      await causeBlocked(customerId, 6, 6);
      expect(await stream()).toEqual(['held']);
      for (const day of [2, 3]) {
        at = new Date(`2026-12-0${day}T00:05:00.000Z`);
        await joinHeldNotices(deps);
      }
      const digests = await digestsOf(customerId);
      sizes.push(digests.map(({ content }) => (content.kind === 'digest' ? content.notices.length : 0)));
    }
    expect(sizes).toEqual([[2_000], [2_000, 1]]);
  });
});

describe('a digest', () => {
  /** What the last letter quotes, in its order: the numbers of pull requests, and revoked keys. */
  const quotes = () =>
    sent
      .at(-1)
      ?.text.replace(/\s+/g, ' ')
      .match(/pull request \d+|was revoked/g);

  it('a digest that has nothing left, because its kinds were turned off, is not sent', async () => {
    const customerId = await customer();
    await causeBlocked(customerId, 1, 4);
    await stream();
    await joinNext();
    await changeNoticeSettings(deps, customerId, ['fix_blocked']);
    const before = sent.length;
    expect(await stream()).toEqual(['muted']);
    expect(sent).toHaveLength(before);
  });

  it('a digest quotes the oldest notices first', async () => {
    const customerId = await customer();
    await causeBlocked(customerId, 1, 4);
    at = new Date('2026-12-01T10:00:00.000Z');
    await causeRevoked(customerId, 1, 5);
    at = new Date('2026-12-01T11:00:00.000Z');
    await causeBlocked(customerId, 5, 5);
    await stream();
    await joinNext();
    await stream();
    expect(quotes()).toEqual(['pull request 4', 'was revoked', 'pull request 5']);
  });

  it('a digest quotes an urgent notice rather than others, and before others of its time', async () => {
    const customerId = await customer();
    await causeBlocked(customerId, 1, 40);
    await causeRevoked(customerId, 1, 5);
    await stream();
    await joinNext();
    // The index lists notices of one time in any order; here the urgent one is the last.
    const notices = [...range(4, 40).map((n) => `fix_blocked#f${n}`), 'key_revoked#k5'];
    const key = keys.notice(customerId, 'digest', '2026-12-02');
    await tamper(deps, key, 'content', { kind: 'digest', notices });
    await stream();
    expect(quotes()?.[0]).toBe('was revoked');
    expect(sent.at(-1)?.text.replace(/\s+/g, ' ')).toContain('And 8 more: 8 × fix blocked.');
  });

  it('a digest leaves out a notice of a kind that only a newer release knows', async () => {
    const customerId = await withHeld();
    await joinNext();
    const notices = ['new_kind#n1', 'key_revoked#k5'];
    const key = keys.notice(customerId, 'digest', '2026-12-02');
    await tamper(deps, key, 'content', { kind: 'digest', notices });
    expect(await stream()).toEqual(['sent']);
    expect(sent.at(-1)?.subject).toBe('A message about your RSOLV account');
  });
});
