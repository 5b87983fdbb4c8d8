import { beforeAll, describe, expect, it } from 'vitest';

import { keyIssued } from '../../lib/domain/notices/key-notices.ts';
import { paymentFailed } from '../../lib/domain/notices/plan-notices.ts';
import { adjustCredits } from '../../lib/operations/ledger/adjust-credits.ts';
import { warnLowBalances } from '../../lib/operations/notices/warn-low-balances.ts';
import type { PaymentDeps } from '../../lib/runtime/deps.ts';
import { putApiKey } from '../../lib/store/api-keys.ts';
import { anonymiseFix } from '../../lib/store/fix-attempts.ts';
import { keys, type NoticeName } from '../../lib/store/keys.ts';
import {
  claimNotice,
  decodeNotice,
  endSchedule,
  noteFate,
  putNewNotice,
  putNotice,
  putWarning,
  scheduleNotice,
} from '../../lib/store/notices.ts';
import { gatherHeld, holdNotice, releaseDigest } from '../../lib/store/outbox/held-notices.ts';
import { countLetter, decodeLettersOfDay } from '../../lib/store/outbox/letters-of-day.ts';
import { forgetEmail } from '../../lib/store/owners.ts';
import { readTogether, type Write, writeTogether } from '../../lib/store/table.ts';
import { markClosed } from '../support/customers.ts';
import { customerWith } from '../support/fixtures.ts';
import { headOf } from '../support/money.ts';
import { noticeContentsOf, unsentOf } from '../support/notices.ts';
import { openTestTable, testDeps } from '../support/table.ts';

/*
 * The conditions of notices and of deletions, each tested where no other condition replaces it, as in
 * conditions.test.ts.
 */

let deps: PaymentDeps;
beforeAll(async () => {
  deps = testDeps(await openTestTable());
});

const AT = new Date('2026-01-02T03:04:05.678Z');
const LATER = new Date('2026-01-02T03:05:05.678Z');
const NOBODY_ABANDONED = new Date(0);

const write = (...writes: Write[]) => writeTogether(deps.table, writes);

async function lowCustomer() {
  const { head } = await customerWith(deps, 7);
  const { customerId } = head;
  await adjustCredits(deps, customerId, { amount: -3, reason: 't', actor: 't', idempotencyKey: 'low' });
  return { customerId, email: head.email };
}

describe('a warning', () => {
  it('WARNING_IS_DUE: a warning is not written for a balance that has changed, nor twice', async () => {
    const { customerId } = await lowCustomer();
    const readBefore = await headOf(deps, customerId);
    await adjustCredits(deps, customerId, { amount: -4, reason: 't', actor: 't', idempotencyKey: 'none' });
    expect((await putWarning(deps.table, readBefore, null)).kind).toBe('refused');
    // The notice of the empty balance is still due, and is written.
    await warnLowBalances(deps);
    expect(await noticeContentsOf(deps, customerId)).toMatchObject([{ kind: 'exhausted' }]);
    expect((await putWarning(deps.table, await headOf(deps, customerId), null)).kind).toBe('refused');
  });
});

/** A notice for a customer who need not exist. */
async function stored(id: string): Promise<NoticeName> {
  const customerId = 'c'.repeat(32);
  await write(putNotice(keyIssued(customerId, id, 'customer', AT)));
  return { customerId, kind: 'key_issued', id };
}

async function read({ customerId, kind, id }: NoticeName) {
  const [item] = await readTogether(deps.table, [keys.notice(customerId, kind, id)]);
  if (item === undefined) throw new Error('no such notice');
  return decodeNotice(item);
}

describe('a notice', () => {
  it('NOTICE_IS_NEW: a failed payment that two events report has one notice', async () => {
    const when = {
      attempt: 1,
      nextAttemptAt: null,
      declineCode: null,
      cardKey: null,
      failedAt: AT.toISOString(),
    };
    const invoice = { id: 'in_1', number: null, amountCents: 59_900, ...when };
    const payer = { customerId: 'c'.repeat(32), balance: 0 };
    const failed = paymentFailed(payer, { subscription: null }, invoice, AT);
    expect((await write(putNewNotice(failed))).kind).toBe('written');
    expect((await write(putNewNotice(failed))).kind).toBe('refused');
  });

  it('NOTICE_IS_SCHEDULED: of two runs that find a reminder due, one sends it', async () => {
    const customerId = 'd'.repeat(32);
    const content = { kind: 'card_expiring', lastDay: AT.toISOString() } as const;
    const notice = { customerId, id: 'pm_1-2026-02', createdAt: AT.toISOString(), content };
    expect((await write(scheduleNotice(notice, AT))).kind).toBe('written');
    const name = { customerId, kind: content.kind, id: notice.id };
    expect((await endSchedule(deps.table, name, 'send', LATER)).kind).toBe('written');
    expect(await read(name)).toMatchObject({ state: 'pending', createdAt: LATER.toISOString() });
    expect((await unsentOf(deps.table, LATER)).map(({ id }) => id)).toContain(notice.id);
    expect((await endSchedule(deps.table, name, 'drop', LATER)).kind).toBe('refused');
  });

  it('NOTICE_IS_UNCLAIMED: one of two deliveries claims a notice, and none claims a sent one', async () => {
    const name = await stored('taken');
    expect((await claimNotice(deps.table, name, AT, NOBODY_ABANDONED)).kind).toBe('written');
    expect((await claimNotice(deps.table, name, LATER, NOBODY_ABANDONED)).kind).toBe('refused');
    await noteFate(deps.table, name, AT, { state: 'sent', messageId: 'm' }, AT);
    expect((await claimNotice(deps.table, name, LATER, LATER)).kind).toBe('refused');
  });

  it('CLAIM_IS_OURS: a delivery that lost its claim does not overwrite the outcome', async () => {
    const name = await stored('lost');
    await claimNotice(deps.table, name, AT, NOBODY_ABANDONED);
    await claimNotice(deps.table, name, LATER, LATER);
    await noteFate(deps.table, name, LATER, { state: 'sent', messageId: 'second' }, LATER);
    const late = await noteFate(deps.table, name, AT, { state: 'failed', failure: 'TimeoutError' }, LATER);
    expect(late.kind).toBe('refused');
    expect(await read(name)).toMatchObject({ state: 'sent', messageId: 'second' });
  });
});

describe('the letters of a day', () => {
  const DAY = '2026-01-02';
  const counted = (field: 'letters' | 'urgentLetters', most: number | null) =>
    write(countLetter('d'.repeat(32), DAY, { kind: 'counted', field, most }));

  it('LETTERS_HAVE_ROOM: a day has no more letters than the cap, unless one is sent in any case', async () => {
    for (const kind of ['written', 'written', 'refused'])
      expect((await counted('letters', 2)).kind).toBe(kind);
    expect((await counted('letters', null)).kind).toBe('written');
  });

  it('URGENT_LETTERS_HAVE_ROOM: urgent letters have a cap of their own', async () => {
    expect((await counted('urgentLetters', 1)).kind).toBe('written');
    expect((await counted('urgentLetters', 1)).kind).toBe('refused');
    const [item] = await readTogether(deps.table, [keys.lettersOfDay('d'.repeat(32), DAY)]);
    expect(decodeLettersOfDay(item)).toEqual({ letters: 3, urgentLetters: 1 });
  });

  it('NOTICE_IS_HELD: a notice joins one digest, and a released digest gets no more', async () => {
    const [first, second] = [await stored('held_1'), await stored('held_2')];
    for (const name of [first, second]) await holdNotice(deps.table, name, LATER, NOBODY_ABANDONED);
    const { customerId } = first;
    const gather = (id: string, isStored: boolean, joined: readonly NoticeName[], muted: NoticeName[] = []) =>
      gatherHeld(
        deps.table,
        { customerId, id, createdAt: AT.toISOString(), content: { kind: 'digest', notices: [] } },
        isStored,
        { joined, muted },
        AT,
      );
    expect((await gather('d1', false, [first])).kind).toBe('written');
    expect((await gather('d2', false, [first])).kind).toBe('refused');
    expect((await gather('d2', false, [], [first])).kind).toBe('refused');
    const digest = { customerId, kind: 'digest', id: 'd1' } as const;
    expect((await releaseDigest(deps.table, digest, AT)).kind).toBe('written');
    expect((await releaseDigest(deps.table, digest, AT)).kind).toBe('refused');
    expect((await gather('d1', true, [second])).kind).toBe('refused');
    expect(await read(first)).toMatchObject({ state: 'joined', joinedIn: 'd1' });
    expect(await read(second)).toMatchObject({ state: 'held', joinedIn: null });
    expect(await read(digest)).toMatchObject({
      state: 'pending',
      content: { notices: ['key_issued#held_1'] },
    });
  });
});

describe('an account that is closed', () => {
  it('ACCOUNT_IS_OPEN: a closed account gets no key', async () => {
    const { head } = await customerWith(deps, 5);
    await markClosed(deps, head.customerId);
    const notice = keyIssued(head.customerId, 'k', 'operator', AT);
    const key = {
      keyId: 'k',
      name: null,
      scope: 'account',
      isTest: false,
      createdAt: AT.toISOString(),
    } as const;
    expect(await putApiKey(deps.table, head.customerId, key, notice)).toEqual({
      kind: 'closed',
    });
    expect((await headOf(deps, head.customerId)).activeKeys).toBe(1);
  });
});

describe('what is forgotten', () => {
  it('EMAIL_IS_THEIRS: an address of another customer is not released', async () => {
    const { head } = await customerWith(deps, 5);
    expect((await write(forgetEmail(head.email, 'd'.repeat(32)))).kind).toBe('refused');
    expect((await write(forgetEmail(head.email, head.customerId))).kind).toBe('written');
    // A repeat is a success.
    expect((await write(forgetEmail(head.email, head.customerId))).kind).toBe('written');
  });

  it('FIX_IS_THERE: anonymising a fix does not create it', async () => {
    const { head } = await customerWith(deps, 5);
    await anonymiseFix(deps.table, head.customerId, 'f'.repeat(32));
    expect(await readTogether(deps.table, [keys.fix(head.customerId, 'f'.repeat(32))])).toEqual([undefined]);
  });
});
