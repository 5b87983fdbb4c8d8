import { beforeAll, describe, expect, it } from 'vitest';
import { parseToken } from '../../../lib/domain/access/tokens.ts';
import { makeSignInLink, signIn, signOut } from '../../../lib/operations/access/sign-in.ts';
import type { Deps } from '../../../lib/runtime/deps.ts';
import { sessionAt } from '../../../lib/store/access/tokens.ts';
import { keys } from '../../../lib/store/keys.ts';
import { readTogether } from '../../../lib/store/table.ts';
import { markClosed } from '../../support/customers.ts';
import { customerWith } from '../../support/fixtures.ts';
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
