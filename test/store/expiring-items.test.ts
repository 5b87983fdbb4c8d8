import { beforeAll, describe, expect, it } from 'vitest';
import type { PaymentDeps } from '../../lib/runtime/deps.ts';
import { callerKey, rememberCaller } from '../../lib/store/access/callers.ts';
import { putLetterLink } from '../../lib/store/access/letter-links.ts';
import { keyStillWorks, putLink, useLink } from '../../lib/store/access/tokens.ts';
import { putUnsubscribeLink, unsubscribedKind } from '../../lib/store/access/unsubscribe.ts';
import { type Key, keys } from '../../lib/store/keys.ts';
import { claimNotice, putNotice } from '../../lib/store/notices.ts';
import { holdNotice } from '../../lib/store/outbox/held-notices.ts';
import { countLetter } from '../../lib/store/outbox/letters-of-day.ts';
import { type Item, readTogether, type Write, writeTogether } from '../../lib/store/table.ts';
import { customerWith } from '../support/fixtures.ts';
import { openTestTable, testDeps } from '../support/table.ts';

/* When the table may delete an item, and what is stored of links, sessions and letters. */

const AT = new Date('2026-11-24T12:00:00.000Z');
const UNTIL = new Date('2026-11-24T12:15:00.500Z');
const seconds = (iso: string) => Date.parse(iso) / 1_000;
const TOKEN = 'a'.repeat(64);

let deps: PaymentDeps;
let customerId: string;
beforeAll(async () => {
  deps = testDeps(await openTestTable());
  customerId = (await customerWith(deps, 1)).head.customerId;
});

const itemOf = async (key: Key) => (await readTogether(deps.table, [key]))[0];

/** Writes, and reads the item that was written. */
async function written(write: Write, key: Key): Promise<Item | undefined> {
  expect((await writeTogether(deps.table, [write])).kind).toBe('written');
  return itemOf(key);
}

describe('items that expire', () => {
  const link = { at: AT, validUntil: UNTIL, mailedTo: null, keyId: null };
  const keptUntil = seconds('2026-11-24T13:15:01.000Z');

  it('a link and its session are kept for an hour after their end, in whole seconds', async () => {
    await putLink(deps.table, { customerId, tokenId: TOKEN, ...link });
    expect(await itemOf(keys.link(customerId, TOKEN))).toMatchObject({ expires_at: keptUntil });
    const [, session] = useLink(
      TOKEN,
      { customerId, tokenId: 'b'.repeat(64), at: AT, validUntil: UNTIL },
      null,
    );
    if (session === undefined) throw new Error('no session');
    expect(await written(session, keys.session(customerId, 'b'.repeat(64)))).toMatchObject({
      expires_at: keptUntil,
    });
  });

  it('a link stores the address it was mailed to or the key that asked for it, and its session only the key', async () => {
    const [mailed, asked] = ['c'.repeat(64), 'd'.repeat(64)];
    await putLink(deps.table, { customerId, tokenId: mailed, ...link, mailedTo: 'hash' });
    await putLink(deps.table, { customerId, tokenId: asked, ...link, keyId: 'key1' });
    expect(await itemOf(keys.link(customerId, mailed))).toMatchObject({ mailed_to: 'hash' });
    expect(await itemOf(keys.link(customerId, mailed))).not.toHaveProperty('key_id');
    expect(await itemOf(keys.link(customerId, asked))).toMatchObject({ key_id: 'key1' });
    expect(await itemOf(keys.link(customerId, asked))).not.toHaveProperty('mailed_to');
    const access = { customerId, tokenId: 'e'.repeat(64), at: AT, validUntil: UNTIL };
    const [, ofMail] = useLink(mailed, access, null);
    if (ofMail === undefined) throw new Error('no session');
    expect(await written(ofMail, keys.session(customerId, access.tokenId))).not.toHaveProperty('key_id');
    const [, ofKey] = useLink(asked, { ...access, tokenId: 'f'.repeat(64) }, 'key1');
    if (ofKey === undefined) throw new Error('no session');
    expect(await written(ofKey, keys.session(customerId, 'f'.repeat(64)))).toMatchObject({ key_id: 'key1' });
  });

  it("a letter's link that is stored again after a lost answer is stored; that of a stranger is not", async () => {
    const access = { customerId, tokenId: TOKEN, at: AT, validUntil: UNTIL };
    for (const _ of ['first', 'again'])
      expect(await putLetterLink(deps.table, access, { kind: 'add_card' })).toEqual({ kind: 'stored' });
    expect(await itemOf(keys.letterLink(customerId, TOKEN))).toMatchObject({ expires_at: keptUntil });
    const stranger = { ...access, customerId: '0'.repeat(32) };
    expect(await putLetterLink(deps.table, stranger, { kind: 'add_card' })).toEqual({ kind: 'closed' });
  });

  it('a key that is not there opens nothing', async () => {
    expect(await keyStillWorks(deps.table, customerId, { keyId: 'none' })).toBe(false);
    expect(await keyStillWorks(deps.table, customerId, { keyId: null })).toBe(true);
  });

  it('a caller is remembered for 30 days', async () => {
    expect(
      await written(rememberCaller(customerId, '192.0.2.1', AT), callerKey(customerId, '192.0.2.1')),
    ).toMatchObject({
      known_until: '2026-12-24T12:00:00.000Z',
      expires_at: seconds('2026-12-24T13:00:00.000Z'),
    });
  });

  it('a link that turns off notices works until its last millisecond', async () => {
    const off = { customerId, tokenId: TOKEN, kind: 'low_balance', validUntil: UNTIL } as const;
    const item = await written(putUnsubscribeLink(off), keys.unsubscribe(customerId, TOKEN));
    expect(item).toMatchObject({ expires_at: seconds('2026-11-24T12:15:01.000Z') });
    expect(unsubscribedKind(item, new Date(UNTIL.getTime() - 1))).toBe('low_balance');
    expect(unsubscribedKind(item, UNTIL)).toBeNull();
  });

  it('the letters of a day are counted without a cap or up to it, and kept for three days', async () => {
    const day = keys.lettersOfDay(customerId, '2026-11-24');
    const count = (most: number | null) =>
      countLetter(customerId, '2026-11-24', { kind: 'counted', field: 'letters', most });
    expect(await written(count(null), day)).toMatchObject({
      letters: 1,
      expires_at: seconds('2026-11-27T00:00:00.000Z'),
    });
    expect(await written(count(2), day)).toMatchObject({ letters: 2 });
    expect((await writeTogether(deps.table, [count(2)])).kind).toBe('refused');
    expect(await written(count(null), day)).toMatchObject({ letters: 3 });
  });

  it('a notice that is held is no longer claimed', async () => {
    const name = { customerId, kind: 'dispute', id: 'dp_1' } as const;
    const content = { kind: 'dispute', disputeId: 'dp_1', amountCents: 1 } as const;
    await writeTogether(deps.table, [
      putNotice({ customerId, id: 'dp_1', createdAt: AT.toISOString(), content }),
    ]);
    await claimNotice(deps.table, name, AT, AT);
    expect(await itemOf(keys.notice(customerId, 'dispute', 'dp_1'))).toHaveProperty('claimed_at');
    const later = new Date(AT.getTime() + 60 * 60_000);
    expect((await holdNotice(deps.table, name, later, later)).kind).toBe('written');
    const held = await itemOf(keys.notice(customerId, 'dispute', 'dp_1'));
    expect(held).toMatchObject({ state: 'held' });
    expect(held).not.toHaveProperty('claimed_at');
  });
});
