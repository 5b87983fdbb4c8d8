import { beforeAll, describe, expect, it } from 'vitest';
import { parseToken } from '../../../lib/domain/access/tokens.ts';
import type { CustomerHead } from '../../../lib/domain/customer.ts';
import { requestSignIn } from '../../../lib/operations/access/request-sign-in.ts';
import { makeSignInLink, signIn, signOut } from '../../../lib/operations/access/sign-in.ts';
import type { Deps } from '../../../lib/runtime/deps.ts';
import { sessionAt } from '../../../lib/store/access/tokens.ts';
import { keys } from '../../../lib/store/keys.ts';
import { readTogether } from '../../../lib/store/table.ts';
import { markClosed } from '../../support/customers.ts';
import { customerWith } from '../../support/fixtures.ts';
import { allNoticesOf } from '../../support/notices.ts';
import { openTestTable, testDeps } from '../../support/table.ts';

const START = new Date('2026-11-24T12:00:00.000Z');
/** The caller's IP. */
const OFFICE = '192.0.2.1';
const minutesLater = (minutes: number, seconds = 0) =>
  new Date(START.getTime() + (60 * minutes + seconds) * 1_000);

let deps: Deps;
let customerId: string;
beforeAll(async () => {
  deps = testDeps(await openTestTable());
  customerId = (await customerWith(deps, 1)).head.customerId;
});
const at = (now: Date): Deps => ({ ...deps, now: () => now });

async function isSignedIn(token: string, now: Date): Promise<boolean> {
  const session = parseToken('session', token);
  if (session === null) return false;
  const [item] = await readTogether(deps.table, [keys.session(session.customerId, session.tokenId)]);
  return sessionAt(item, now) !== null;
}

describe('signing in', () => {
  it('a link works until its last second of 15 minutes, and not a second longer', async () => {
    const early = await makeSignInLink(at(START), customerId);
    const late = await makeSignInLink(at(START), customerId);
    await expect(signIn(at(minutesLater(15)), late.token, OFFICE)).rejects.toMatchObject({
      code: 'link_not_valid',
    });
    await expect(signIn(at(minutesLater(14, 59)), early.token, OFFICE)).resolves.toMatchObject({
      validUntil: minutesLater(44, 59),
    });
  });

  it('a session ends after 30 minutes, although its item may still be there', async () => {
    const { token } = await signIn(at(START), (await makeSignInLink(at(START), customerId)).token, OFFICE);
    expect(await isSignedIn(token, minutesLater(29, 59))).toBe(true);
    expect(await isSignedIn(token, minutesLater(30))).toBe(false);
  });

  it('signing out ends one session and leaves the others', async () => {
    const [one, other] = await Promise.all(
      [1, 2].map(async () => signIn(at(START), (await makeSignInLink(at(START), customerId)).token, OFFICE)),
    );
    const session = parseToken('session', one?.token ?? '');
    if (session === null || other === undefined) throw new Error('there is no session');
    await signOut(at(START), session);
    await signOut(at(START), session);
    expect(await isSignedIn(one?.token ?? '', START)).toBe(false);
    expect(await isSignedIn(other.token, START)).toBe(true);
  });

  it('a closed account gets no link, and no link of it signs in', async () => {
    const closing = (await customerWith(deps, 1)).head.customerId;
    const { token } = await makeSignInLink(at(START), closing);
    await markClosed(deps, closing);
    await expect(signIn(at(START), token, OFFICE)).rejects.toMatchObject({ code: 'account_closed' });
    await expect(makeSignInLink(at(START), closing)).rejects.toMatchObject({ code: 'account_closed' });
  });

  it('a customer who does not exist gets no link', async () => {
    await expect(makeSignInLink(deps, '0'.repeat(32))).rejects.toMatchObject({ code: 'account_closed' });
  });
});

describe('letters with a sign-in link', () => {
  const HOUR = 60;

  /** Asks once, and says how many letters the customer has then. */
  async function lettersAfter(head: CustomerHead, sourceIp: string, minutes: number): Promise<number> {
    await requestSignIn(at(minutesLater(minutes)), { email: head.email, sourceIp });
    const notices = await allNoticesOf(deps.table, head.customerId);
    return notices.filter(({ content }) => content.kind === 'sign_in').length;
  }

  it('one stranger gets 3 letters an hour and 5 a day sent, and another one still gets some', async () => {
    const { head } = await customerWith(deps, 1);
    const ask = (minutes: number, sourceIp = '203.0.113.7') => lettersAfter(head, sourceIp, minutes);
    expect([await ask(0), await ask(1), await ask(2), await ask(3)]).toEqual([1, 2, 3, 3]);
    for (const n of [3, 4, 5]) await ask(HOUR + n);
    expect(await ask(10 * HOUR)).toBe(5);
    expect(await ask(10 * HOUR, '203.0.113.8')).toBe(6);
    expect(await ask(25 * HOUR)).toBe(7);
  });

  it('a caller who has signed in gets 3 letters an hour and 10 a day sent', async () => {
    const { head } = await customerWith(deps, 1);
    await signIn(at(START), (await makeSignInLink(at(START), head.customerId)).token, OFFICE);
    for (const hour of [1, 2, 3])
      for (const n of [0, 1, 2, 3]) await lettersAfter(head, OFFICE, hour * HOUR + n);
    expect(await lettersAfter(head, OFFICE, 5 * HOUR)).toBe(10);
    expect(await lettersAfter(head, OFFICE, 6 * HOUR)).toBe(10);
  });

  it('strangers together get 10 letters a day sent to a customer', async () => {
    const { head } = await customerWith(deps, 1);
    for (let n = 1; n <= 10; n++) expect(await lettersAfter(head, `203.0.113.${n}`, n)).toBe(n);
    expect(await lettersAfter(head, '203.0.113.11', 11)).toBe(10);
    expect(await lettersAfter(head, '203.0.113.11', 25 * HOUR)).toBe(11);
  });

  it('strangers cannot use up the letters of a caller who has signed in within 30 days', async () => {
    const { head } = await customerWith(deps, 1);
    const { token } = await makeSignInLink(deps, head.customerId);
    const monthBefore = new Date(START.getTime() - 30 * 24 * HOUR * 60_000);
    await signIn({ ...deps, now: () => new Date(monthBefore.getTime() + 60 * 60_000) }, token, OFFICE);
    for (let n = 1; n <= 11; n++) await lettersAfter(head, `203.0.113.${n}`, n);
    expect(await lettersAfter(head, OFFICE, 30)).toBe(11);
    expect(await lettersAfter(head, OFFICE, 60)).toBe(11);
  });

  it('all letters together are at most 20 a day, also for callers who have signed in', async () => {
    const { head } = await customerWith(deps, 1);
    const offices = [1, 2, 3, 4].map((n) => `192.0.2.${n}`);
    for (const office of offices) {
      await signIn(at(START), (await makeSignInLink(at(START), head.customerId)).token, office);
    }
    for (const office of offices) for (const n of [1, 2, 3]) await lettersAfter(head, office, n);
    for (let n = 1; n <= 11; n++) await lettersAfter(head, `203.0.113.${n}`, 10 + n);
    expect(await lettersAfter(head, '192.0.2.4', 30)).toBe(20);
  });

  it('a sign-in of one customer gives nothing to a caller at another customer', async () => {
    const [one, other] = [(await customerWith(deps, 1)).head, (await customerWith(deps, 1)).head];
    await signIn(at(START), (await makeSignInLink(at(START), one.customerId)).token, OFFICE);
    for (let n = 1; n <= 10; n++) await lettersAfter(other, `203.0.113.${n}`, n);
    expect(await lettersAfter(other, OFFICE, 30)).toBe(10);
  });
});
