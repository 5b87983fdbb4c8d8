import { describe, expect, it } from 'vitest';
import {
  admit,
  type CardTries,
  cardKeyOf,
  declined,
  letterDayOf,
  NO_TRIES,
  released,
  reserve,
  succeeded,
  withCard,
} from '../../lib/domain/payments/card-tries.ts';

const AT = new Date('2026-03-01T12:00:00.000Z');
const DAY_MS = 24 * 60 * 60 * 1000;
const ago = (ms: number): string => new Date(AT.getTime() - ms).toISOString();
const triesWith = (facts: Partial<CardTries>): CardTries => ({ ...NO_TRIES, ...facts });
const underWay = (ms: number) => [{ id: 'try', startedAt: ago(ms) }];

describe('the record of a card', () => {
  it('the record of a card begins empty', () => {
    expect(NO_TRIES).toEqual({
      declines: [],
      underWay: [],
      lastCode: null,
      isHard: false,
      isWaitSkipped: false,
      letterDay: null,
    });
    expect(reserve(undefined, 'try', AT)).toEqual({ ...NO_TRIES, underWay: underWay(0) });
  });

  it('a record drops a try without an outcome after two days, and a decline after 30', () => {
    const stored = (ms: number) => triesWith({ underWay: underWay(ms), declines: [ago(ms)] });
    expect(released(stored(2 * DAY_MS - 1), 'x', AT).underWay).toHaveLength(1);
    expect(released(stored(2 * DAY_MS), 'x', AT).underWay).toEqual([]);
    expect(released(stored(30 * DAY_MS - 1), 'x', AT).declines).toHaveLength(1);
    expect(released(stored(30 * DAY_MS), 'x', AT).declines).toEqual([]);
  });

  it('the next try uses up a skipped wait', () => {
    expect(reserve(triesWith({ isWaitSkipped: true }), 'try', AT).isWaitSkipped).toBe(false);
    expect(released(triesWith({ isWaitSkipped: true }), 'try', AT).isWaitSkipped).toBe(true);
  });

  it.each([
    ['lost_card', true],
    ['stolen_card', true],
    ['pickup_card', true],
    ['restricted_card', true],
    ['invalid_account', true],
    ['revocation_of_authorization', true],
    ['revocation_of_all_authorizations', true],
    ['generic_decline', false],
    ['insufficient_funds', false],
    ['', false],
  ])(
    'after a decline as %s, the record says that its bank rejects the card permanently: %s',
    (code, isHard) => {
      const after = declined(triesWith({ underWay: underWay(0) }), 'try', code, AT);
      expect(after).toEqual({ ...NO_TRIES, declines: [AT.toISOString()], lastCode: code, isHard });
      expect(declined(after, 'next', 'generic_decline', AT).isHard).toBe(isHard);
    },
  );

  it('after the card has paid, its record keeps only the other tries and the day of the letter', () => {
    const other = { id: 'other', startedAt: ago(0) };
    const stored = triesWith({
      declines: [ago(DAY_MS)],
      underWay: [...underWay(0), other],
      lastCode: 'generic_decline',
      isHard: true,
      isWaitSkipped: true,
      letterDay: '2026-03-01',
    });
    expect(succeeded(stored, 'try', AT)).toEqual({ ...NO_TRIES, underWay: [other], letterDay: '2026-03-01' });
  });

  it('letters are counted by the day in UTC', () => {
    expect(letterDayOf(new Date('2026-03-01T23:59:59.999Z'))).toBe('2026-03-01');
  });
});

describe('a card that was declined', () => {
  it('a declined card is retried a minute later while another try of it is in flight', () => {
    const stored = triesWith({ declines: [ago(DAY_MS)], lastCode: 'do_not_honor', underWay: underWay(0) });
    expect(admit(stored, AT, true)).toEqual({
      kind: 'refused',
      code: 'do_not_honor',
      retryAt: new Date(AT.getTime() + 60_000),
    });
  });

  it('a decline without a known code is called declined', () => {
    expect(admit(triesWith({ isHard: true }), AT, true)).toMatchObject({ code: 'card_declined' });
  });

  it('a card can be tried at once after a person skipped the wait', () => {
    const stored = triesWith({ declines: [ago(0)], isWaitSkipped: true });
    expect(admit(stored, AT, false)).toEqual({ kind: 'allowed' });
  });
});

describe('the key of a card', () => {
  it('tries are counted by the fingerprint, or by the payment method of a card without one', () => {
    expect(cardKeyOf({ fingerprint: 'fp_1', paymentMethodId: 'pm_1' })).toBe('fp_1');
    expect(cardKeyOf({ fingerprint: null, paymentMethodId: 'pm_1' })).toBe('pm_1');
  });
});

describe('the records of all cards', () => {
  const NEW = triesWith({ underWay: underWay(0) });

  it.each([
    ['a decline', { declines: [ago(DAY_MS)] }, true],
    ['a decline of 30 days ago', { declines: [ago(30 * DAY_MS)] }, false],
    ['a try under way', { underWay: underWay(0) }, true],
    ['a try that was given up', { underWay: underWay(2 * DAY_MS) }, false],
    ['a bank that refuses it for good', { isHard: true }, true],
    ['a letter of today', { letterDay: '2026-03-01' }, true],
    ['a letter of yesterday', { letterDay: '2026-02-28' }, false],
    ['nothing that matters', { lastCode: 'generic_decline', isWaitSkipped: true }, false],
  ])('the records keep another card with %s: %s', (_, facts, isKept) => {
    const all = { other: triesWith(facts), card: triesWith({ isHard: true }) };
    expect(withCard(all, 'card', NEW, AT)).toEqual({ ...(isKept && { other: all.other }), card: NEW });
  });

  it('the records keep the 49 newest other cards', () => {
    const others = Object.fromEntries(
      Array.from({ length: 60 }, (_, i) => [`fp_${i}`, triesWith({ isHard: true })]),
    );
    const kept = Object.keys(withCard(others, 'card', NEW, AT));
    expect(kept).toHaveLength(50);
    expect([kept[0], kept.at(-1)]).toEqual(['fp_11', 'card']);
    const full = withCard(others, 'card', NEW, AT);
    expect(Object.keys(withCard(full, 'card', NEW, AT))).toEqual(kept);
  });
});
