import { describe, expect, it } from 'vitest';
import {
  apiKeyIdOf,
  blockedSince,
  customerIdOf,
  guardNameOf,
  itemKind,
  type Key,
  keys,
  mayExpire,
  noticeLabel,
  noticeLabelOf,
  noticeName,
  noticeWords,
  parseDueKey,
  parseNoticeKey,
  prefixes,
  ranges,
  recordedDayOf,
  spendingMonthOf,
} from '../../lib/store/keys.ts';

/* Stored items of every customer use these keys, so none of the keys may change. */

const own = (sk: string): Key => ({ pk: 'CUSTOMER#c1', sk });

describe('the key', () => {
  it.each<[string, Key, Key]>([
    ['the head', keys.head('c1'), own('LEDGER#HEAD')],
    ['an entry', keys.entry('c1', 42), own('LEDGER#000000000042')],
    ['a fix', keys.fix('c1', 'f1'), own('FIX#f1')],
    ['an API key', keys.apiKey('c1', 'k1'), own('KEY#k1')],
    ['a guard by kind and id', keys.once('c1', 'invoice', 'in_1'), own('ONCE#invoice#in_1')],
    ['a guard by its name', keys.guard('c1', 'invoice#in_1'), own('ONCE#invoice#in_1')],
    ['a double payment', keys.once('c1', 'double_payment', 'pi_1'), own('ONCE#double_payment#pi_1')],
    ['a notice', keys.notice('c1', 'fix_blocked', 'n1'), own('NOTICE#fix_blocked#n1')],
    ['a consent', keys.consent('c1', '2026-01-01', 'pm_1'), own('CONSENT#2026-01-01#pm_1')],
    ['a count of recorded fixes', keys.recorded('c1', '2026-01-01', 7), own('RECORDED#2026-01-01#7')],
    ['an order', keys.order('c1'), own('ORDER#PRO')],
    ['a renewal', keys.renewal('c1'), own('RENEWAL#PRO')],
    ['the tries of cards', keys.cardTries('c1'), own('CARD_TRIES')],
    ['a card session', keys.cardSession('c1'), own('CARD_SESSION')],
    ['the charges of a month', keys.spending('c1', '2026-12'), own('SPENDING#2026-12')],
    ['a link', keys.link('c1', 'a'), own('LINK#a')],
    ['a session', keys.session('c1', 'a'), own('SESSION#a')],
    ['a caller who has signed in', keys.caller('c1', 'a'), own('CALLER#a')],
    ["a letter's link", keys.letterLink('c1', 'a'), own('LETTER_LINK#a')],
    ['a link that turns a notice off', keys.unsubscribe('c1', 'a'), own('UNSUBSCRIBE#a')],
    ['the letters of a day', keys.lettersOfDay('c1', '2026-01-01'), own('LETTERS#2026-01-01')],
    ['a closing', keys.closing('c1'), own('CLOSING')],
    ['an owner of a Stripe id', keys.stripe('cus_1'), { pk: 'STRIPE#cus_1', sk: 'STRIPE' }],
    ['a card', keys.card('fp_1'), { pk: 'CARD#fp_1', sk: 'CARD' }],
    ['an event', keys.event('evt_1'), { pk: 'EVENT#evt_1', sk: 'EVENT' }],
    ['an address, in lower case', keys.email('Zoe@X.io'), { pk: 'EMAIL#zoe@x.io', sk: 'EMAIL' }],
    ['a run', keys.run('nightly'), { pk: 'RUN#nightly', sk: 'RUN' }],
    ['a rate limit', keys.rate('signup#1.2.3.4', 60), { pk: 'RATE#signup#1.2.3.4', sk: '60s' }],
    [
      'the calls of a key',
      keys.keyCalls('abc', '2026-12-01T12:00:00.000Z'),
      { pk: 'RATE#key#abc', sk: '2026-12-01T12:00:00.000Z' },
    ],
    ['the sums of a day', keys.day('2026-01-01'), { pk: 'DAYS', sk: '2026-01-01' }],
    ['the sold price of a plan', keys.soldPrice('pro'), { pk: 'PRICE#pro', sk: 'SOLD' }],
    ['the health check', keys.health, { pk: 'HEALTH', sk: 'HEALTH' }],
  ])('the key of %s is stored unchanged', (_, key, stored) => {
    expect(key).toEqual(stored);
  });

  it('the key of a partition contains the customer and can be parsed', () => {
    expect(keys.customer('c1')).toBe('CUSTOMER#c1');
    expect(customerIdOf('CUSTOMER#c1')).toBe('c1');
    expect(() => customerIdOf('EVENT#evt_1')).toThrow('EVENT#evt_1 is no customer');
  });

  it('the key of an item contains its id, name, day or month and can be parsed', () => {
    expect(apiKeyIdOf('KEY#k1')).toBe('k1');
    expect(guardNameOf('ONCE#invoice#in_1')).toBe('invoice#in_1');
    expect(recordedDayOf(keys.recorded('c1', '2026-01-01', 7).sk)).toBe('2026-01-01');
    expect(spendingMonthOf(keys.spending('c1', '2026-12').sk)).toBe('2026-12');
  });
});

describe('a range of sort keys', () => {
  it('the range of all entries contains the first and last entry, and not the head', () => {
    const { from, to } = ranges.entriesBelow(null);
    expect(from <= keys.entry('c1', 0).sk).toBe(true);
    expect(keys.entry('c1', 999_999_999_999).sk <= to).toBe(false);
    expect(keys.entry('c1', 899_999_999_999).sk <= to).toBe(true);
    expect(to < keys.head('c1').sk).toBe(true);
  });

  it('the range of entries below an entry ends at the previous one', () => {
    expect(ranges.entriesBelow(5)).toEqual({ from: 'LEDGER#000000000000', to: 'LEDGER#000000000004' });
  });

  it('the range between two entries contains both', () => {
    expect(ranges.entriesBetween(5, 9)).toEqual({ from: 'LEDGER#000000000005', to: 'LEDGER#000000000009' });
  });

  it('the range of head and entries ends at the head', () => {
    expect(ranges.headAndEntries).toEqual({ from: 'LEDGER#000000000000', to: 'LEDGER#HEAD' });
  });

  it('the range of recorded fixes contains every day from its first day on', () => {
    const { from, to } = ranges.recordedSince('2026-01-02');
    const isWithin = (day: string) => {
      const { sk } = keys.recorded('c1', day, 9);
      return from <= sk && sk <= to;
    };
    expect(['2026-01-01', '2026-01-02', '2999-12-31'].map(isWithin)).toEqual([false, true, true]);
  });

  it('the range of blocked fixes since a raise begins with the raise, and with no longer one', () => {
    expect(blockedSince('7')).toBe('NOTICE#fix_blocked#7-');
    expect(keys.notice('c1', 'fix_blocked', '70-f1').sk.startsWith(blockedSince('7'))).toBe(false);
  });

  it('the range of one kind begins with its prefix', () => {
    expect(prefixes).toEqual({
      fix: 'FIX#',
      notice: 'NOTICE#',
      apiKey: 'KEY#',
      consent: 'CONSENT#',
      spending: 'SPENDING#',
      ledger: 'LEDGER#',
      entry: 'LEDGER#0',
    });
  });
});

describe('an item in the index of due work', () => {
  it.each([
    [keys.fix('c1', 'f1'), 'fix', 'f1'],
    [keys.once('c1', 'double_payment', 'pi_1'), 'double_payment', 'pi_1'],
    [keys.notice('c1', 'fix_blocked', 'n1'), 'notice', 'fix_blocked#n1'],
    [keys.head('c1'), 'head', null],
    [keys.order('c1'), 'order', null],
    [keys.renewal('c1'), 'renewal', null],
    [keys.cardSession('c1'), 'card_session', null],
    [keys.closing('c1'), 'closing', null],
  ])("a due item under %j is the customer's %s", (key, kind, id) => {
    expect(parseDueKey(key)).toEqual({ kind, customerId: 'c1', id });
  });

  it('a due item that is an event belongs to no customer', () => {
    expect(parseDueKey(keys.event('evt_1'))).toEqual({ kind: 'event', customerId: null, id: 'evt_1' });
  });

  it.each([own('ORDER#PRO#2'), own('LEDGER#HEAD#2'), own('ONCE#invoice#in_1'), own('NEW#1')])(
    'a due item under %j is unknown: a newer release may have written it',
    (key) => {
      expect(parseDueKey(key)).toEqual({ kind: 'unknown', customerId: null, id: null });
    },
  );
});

describe('an item of a customer', () => {
  it.each([
    [keys.head('c1').sk, 'head'],
    [keys.entry('c1', 1).sk, 'entry'],
    ['ONCE#double_payment#pi_1', 'double_payment'],
    ['ONCE#invoice#in_1', 'guard'],
    ['KEY#k1', 'api_key'],
    ['FIX#f1', 'fix'],
    ['SPENDING#2026-12', 'spending'],
    ['LINK#SPENDING#', 'other'],
    ['NOTICE#fix_blocked#n1', 'other'],
    [undefined, 'other'],
    [7, 'other'],
  ])('an item under the sort key %j has the kind %s', (sk, kind) => {
    expect(itemKind(sk)).toBe(kind);
  });
});

describe('a notice', () => {
  const NAME = { customerId: 'c1', kind: 'payment_failed', id: 'in_1#2' } as const;

  it('a notice is named by its key, even if its id contains #', () => {
    const key = keys.notice('c1', NAME.kind, NAME.id);
    expect(parseNoticeKey(key)).toEqual(NAME);
    expect(noticeWords(key)).toEqual(NAME);
    expect(noticeLabelOf(key.sk)).toBe('payment_failed#in_1#2');
    expect(noticeLabel(NAME)).toBe('payment_failed#in_1#2');
    expect(noticeName('c1', 'payment_failed#in_1#2')).toEqual(NAME);
  });

  it('a notice of a kind of a newer release has a label and no name', () => {
    const key = own('NOTICE#newer#n1');
    expect(parseNoticeKey(key)).toBeNull();
    expect(noticeWords(key)).toEqual({ customerId: 'c1', kind: 'newer', id: 'n1' });
    expect(noticeName('c1', 'newer#n1')).toBeNull();
  });

  it.each([own('FIX#payment_failed#n1'), { pk: 'EVENT#c1', sk: 'NOTICE#payment_failed#n1' }])(
    'an item under %j is not a notice',
    (key) => {
      expect(parseNoticeKey(key)).toBeNull();
    },
  );
});

describe('an item that may expire', () => {
  it.each([
    [keys.rate('a', 60), true],
    [keys.run('r'), true],
    [keys.event('e'), true],
    [keys.notice('c1', 'fix_blocked', 'n1'), true],
    [keys.recorded('c1', '2026-01-01', 0), true],
    [keys.lettersOfDay('c1', '2026-01-01'), true],
    [keys.link('c1', 'a'), true],
    [keys.session('c1', 'a'), true],
    [keys.letterLink('c1', 'a'), true],
    [keys.caller('c1', 'a'), true],
    [keys.unsubscribe('c1', 'a'), true],
    [keys.head('c1'), false],
    [keys.entry('c1', 1), false],
    [keys.fix('c1', 'f1'), false],
    [keys.once('c1', 'invoice', 'in_1'), false],
    [keys.apiKey('c1', 'k1'), false],
    [keys.email('a@x.io'), false],
    [keys.soldPrice('pro'), false],
    [{ pk: 'STRIPE#NOTICE#1', sk: 'NOTICE#1' }, false],
  ])('an item under %j may expire: %s', (key, expected) => {
    expect(mayExpire(key)).toBe(expected);
  });
});
