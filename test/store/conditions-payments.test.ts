import { beforeAll, describe, expect, it } from 'vitest';
import type { CardTries } from '../../lib/domain/payments/card-tries.ts';
import { noSpending, type Spending } from '../../lib/domain/payments/spending.ts';
import type { PaymentDeps } from '../../lib/runtime/deps.ts';
import { keys } from '../../lib/store/keys.ts';
import {
  type CardSession,
  decodeCardSession,
  keepCardSession,
} from '../../lib/store/payments/card-sessions.ts';
import { keepCardTries, readCardTries } from '../../lib/store/payments/card-tries.ts';
import { announceReturn, moveReturn, readDoublePayment } from '../../lib/store/payments/double-payments.ts';
import { putSoldPrice, readSoldPrice } from '../../lib/store/payments/sold-prices.ts';
import { readSpending, reserveSpending } from '../../lib/store/payments/spending.ts';
import { readTogether, type Write, writeTogether } from '../../lib/store/table.ts';
import { openTestTable, testDeps } from '../support/table.ts';

/* The conditions of stored payments, each tested where no other condition replaces it. */

let deps: PaymentDeps;
beforeAll(async () => {
  deps = testDeps(await openTestTable());
});

const AT = new Date('2026-01-02T03:04:05.678Z');
const write = async (item: Write) => (await writeTogether(deps.table, [item])).kind;

describe('what payments keep', () => {
  it('RETURN_UNMOVED: of two callers that read one return, one announces the next refund', async () => {
    const customerId = 'a'.repeat(32);
    const payment = { fixAttemptId: 'f1', paymentIntentId: 'pi_1', amountCents: 2_900, spendingMonth: null };
    const read = async () => {
      const found = await readDoublePayment(deps.table, customerId, 'pi_1');
      if (found === null) throw new Error('the return is not stored');
      return found;
    };
    await write(announceReturn(customerId, payment, AT));
    const first = await read();
    const next = (refundCents: number) =>
      moveReturn(customerId, first, { attempt: 2, refundCents, startedAt: AT.toISOString() }, AT);
    expect(await write(next(2_900))).toBe('written');
    expect(await write(next(100))).toBe('refused');
    // A caller that still sees the first attempt cannot close the second.
    expect(await write(moveReturn(customerId, first, { state: 'returned' }, AT))).toBe('refused');
    expect(await read()).toMatchObject({ attempt: 2, refundCents: 2_900, state: 'returning' });
    // Moving a return that is not stored does not create it.
    expect(await write(moveReturn('b'.repeat(32), first, { state: 'returned' }, AT))).toBe('refused');
  });

  it('CARD_SESSION_UNMOVED: of two clicks one opens a session, and of two callers one finishes it', async () => {
    const customerId = 'c'.repeat(32);
    const session = (attempt: number, state: CardSession['state'], sessionId = 'cs_1'): CardSession => ({
      ...{ attempt, state, sessionId, stripeCustomerId: 'cus_1', cardBefore: null, completedAt: null },
      ...{ startedAt: AT.toISOString(), sourceIp: '203.0.113.9', userAgent: null, page: '/', linkId: null },
      outcome: null,
    });
    const keep = (next: CardSession, before: CardSession | null) =>
      write(keepCardSession(customerId, next, before));
    expect(await keep(session(1, 'opening'), null)).toBe('written');
    expect(await keep(session(1, 'opening', 'cs_2'), null)).toBe('refused');
    expect(await keep(session(1, 'open'), session(1, 'opening'))).toBe('written');
    expect(await keep(session(1, 'open', 'cs_2'), session(1, 'opening'))).toBe('refused');
    expect(await keep(session(2, 'opening', 'cs_2'), session(1, 'open'))).toBe('written');
    expect(await keep(session(1, 'finished'), session(1, 'open'))).toBe('refused');
    const [item] = await readTogether(deps.table, [keys.cardSession(customerId)]);
    expect(decodeCardSession(item ?? {})).toEqual(session(2, 'opening', 'cs_2'));
    expect(item?.['due']).toBeUndefined();
  });

  it('SPENDING_UNMOVED: a charge that read the month before another one reserves nothing under a limit', async () => {
    const customerId = 'e'.repeat(32);
    const read = () => readSpending(deps.table, customerId, '2026-01');
    const reserve = (month: Spending, limitCents: number | null) =>
      write(reserveSpending(customerId, month, { amountCents: 2_900, limitCents }, null));
    const before = await read();
    expect(await reserve(before, 290_000)).toBe('written');
    expect(await reserve(before, 290_000)).toBe('refused');
    const after = await read();
    expect(await reserve(after, 290_000)).toBe('written');
    expect(await reserve(after, 290_000)).toBe('refused');
    expect(await reserve(before, null)).toBe('written');
    expect(await read()).toMatchObject({ committedCents: 8_700, limitCents: null });
  });

  it('SHARE_IS_NEW: a charge writes no second letter about a share after the sum went down and up again', async () => {
    const customerId = 'f'.repeat(32);
    const charge = { amountCents: 100, limitCents: 10_000 };
    const reserve = (committedCents: number, percent: 50 | 80) =>
      write(reserveSpending(customerId, { ...noSpending('2026-01'), committedCents }, charge, percent));
    expect(await reserve(0, 80)).toBe('written');
    // The sum is the same again after a release, and the letter was written.
    expect(await reserve(100, 80)).toBe('refused');
    expect(await reserve(100, 50)).toBe('refused');
    expect(await readSpending(deps.table, customerId, '2026-01')).toMatchObject({ noticedPercent: 80 });
  });

  it('TRIES_UNMOVED: of two callers that read one record of tries, one counts its try', async () => {
    const customerId = 'c'.repeat(32);
    const tries = (id: string): CardTries => ({
      declines: [],
      underWay: [{ id, startedAt: AT.toISOString() }],
      lastCode: null,
      isHard: false,
      isWaitSkipped: false,
      letterDay: null,
    });
    const empty = await readCardTries(deps.table, customerId);
    expect(await write(keepCardTries(customerId, empty, { fp_1: tries('first') }))).toBe('written');
    expect(await write(keepCardTries(customerId, empty, { fp_1: tries('second') }))).toBe('refused');
    const one = await readCardTries(deps.table, customerId);
    expect(one.cards).toEqual({ fp_1: tries('first') });
    expect(await write(keepCardTries(customerId, one, { fp_1: tries('third') }))).toBe('written');
    expect(await write(keepCardTries(customerId, one, {}))).toBe('refused');
  });

  it('SOLD_PRICE_UNMOVED: a sweep does not overwrite the price that another sweep stored after its read', async () => {
    const price = (n: number) => ({ priceId: `price_${n}`, monthCents: 100 * n, credits: n });
    const stored = () => readSoldPrice(deps.table, 'pro');
    const replace = async (next: number, found: number | null) =>
      (await putSoldPrice(deps.table, 'pro', price(next), found === null ? null : price(found))).kind;
    expect(await replace(1, null)).toBe('written');
    expect(await replace(2, null)).toBe('refused');
    expect(await replace(2, 1)).toBe('written');
    expect(await replace(3, 1)).toBe('refused');
    expect(await stored()).toEqual(price(2));
    // The same price with other credits is a different price for customers.
    const corrected = { ...price(2), credits: 7 };
    expect((await putSoldPrice(deps.table, 'pro', corrected, price(2))).kind).toBe('written');
    expect((await putSoldPrice(deps.table, 'pro', price(2), price(2))).kind).toBe('refused');
    expect(await stored()).toEqual(corrected);
  });
});
