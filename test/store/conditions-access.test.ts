import { beforeAll, describe, expect, it } from 'vitest';
import type { PaymentDeps } from '../../lib/runtime/deps.ts';
import { endSession, putLink, useLink } from '../../lib/store/access/tokens.ts';
import { keys } from '../../lib/store/keys.ts';
import { readTogether, writeTogether } from '../../lib/store/table.ts';
import { customerWith } from '../support/fixtures.ts';
import { openTestTable, testDeps } from '../support/table.ts';

/* Each condition of the writes of sign-in links and sessions, isolated. */

const AT = new Date('2026-11-24T12:00:00.000Z');
const later = (minutes: number) => new Date(AT.getTime() + minutes * 60_000);
const LINK = 'a'.repeat(64);

let deps: PaymentDeps;
beforeAll(async () => {
  deps = testDeps(await openTestTable());
});

const put = (customerId: string) =>
  putLink(deps.table, {
    customerId,
    tokenId: LINK,
    at: AT,
    validUntil: later(15),
    mailedTo: null,
    keyId: null,
  });
const use = async (customerId: string, at: Date, session = 'b') => {
  const access = { customerId, tokenId: session.repeat(64), at, validUntil: later(60) };
  return (await writeTogether(deps.table, useLink(LINK, access, null))).kind;
};

describe('sign-in links', () => {
  it('LINK_IS_NEW: a link that is stored again after a lost response stays used', async () => {
    const { customerId } = (await customerWith(deps, 1)).head;
    expect(await put(customerId)).toEqual({ kind: 'stored' });
    expect(await use(customerId, AT)).toBe('written');
    expect(await put(customerId)).toEqual({ kind: 'stored' });
    expect(await use(customerId, AT, 'c')).toBe('refused');
  });

  it('LINK_IS_USABLE: a link signs in once, in its time, and never if it was not made', async () => {
    const { customerId } = (await customerWith(deps, 1)).head;
    expect(await use(customerId, AT)).toBe('refused');
    await put(customerId);
    expect(await use(customerId, later(15))).toBe('refused');
    expect(await use(customerId, later(14))).toBe('written');
    expect(await use(customerId, later(14), 'c')).toBe('refused');
    const [session] = await readTogether(deps.table, [keys.session(customerId, 'c'.repeat(64))]);
    expect(session).toBeUndefined();
  });

  it('SESSION_IS_THERE: signing out of a session that is gone makes no item', async () => {
    const { customerId } = (await customerWith(deps, 1)).head;
    const gone = await writeTogether(deps.table, [endSession(customerId, 'd'.repeat(64), AT)]);
    expect(gone.kind).toBe('refused');
    const [session] = await readTogether(deps.table, [keys.session(customerId, 'd'.repeat(64))]);
    expect(session).toBeUndefined();
  });

  it('CUSTOMER_IS_THERE: a customer who does not exist gets no link', async () => {
    const stranger = '0'.repeat(32);
    expect(await put(stranger)).toEqual({ kind: 'closed' });
    const [link] = await readTogether(deps.table, [keys.link(stranger, LINK)]);
    expect(link).toBeUndefined();
  });
});
