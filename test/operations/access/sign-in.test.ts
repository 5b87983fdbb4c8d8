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
    await expect(signIn(at(minutesLater(15)), late.token)).rejects.toMatchObject({ code: 'link_not_valid' });
    await expect(signIn(at(minutesLater(14, 59)), early.token)).resolves.toMatchObject({
      validUntil: minutesLater(44, 59),
    });
  });

  it('a session ends after 30 minutes, although its item may still be there', async () => {
    const { token } = await signIn(at(START), (await makeSignInLink(at(START), customerId)).token);
    expect(await isSignedIn(token, minutesLater(29, 59))).toBe(true);
    expect(await isSignedIn(token, minutesLater(30))).toBe(false);
  });

  it('signing out ends one session and leaves the others', async () => {
    const [one, other] = await Promise.all(
      [1, 2].map(async () => signIn(at(START), (await makeSignInLink(at(START), customerId)).token)),
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
    await expect(signIn(at(START), token)).rejects.toMatchObject({ code: 'account_closed' });
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

  it('one caller gets 3 letters an hour and 10 a day sent, and another caller still gets one', async () => {
    const { head } = await customerWith(deps, 1);
    const ask = (minutes: number, sourceIp = '203.0.113.7') => lettersAfter(head, sourceIp, minutes);
    expect([await ask(0), await ask(1), await ask(2), await ask(3)]).toEqual([1, 2, 3, 3]);
    for (const hour of [1, 2, 3]) for (const n of [3, 4, 5]) await ask(hour * HOUR + n);
    expect(await ask(10 * HOUR)).toBe(10);
    expect(await ask(10 * HOUR, '203.0.113.8')).toBe(11);
    expect(await ask(25 * HOUR)).toBe(12);
  });

  it('all callers together get 20 letters a day sent to a customer', async () => {
    const { head } = await customerWith(deps, 1);
    for (let n = 1; n <= 20; n++) expect(await lettersAfter(head, `203.0.113.${n}`, n)).toBe(n);
    expect(await lettersAfter(head, '203.0.113.21', 21)).toBe(20);
    expect(await lettersAfter(head, '203.0.113.21', 25 * HOUR)).toBe(21);
  });
});
