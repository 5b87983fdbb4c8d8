import { describe, expect, it } from 'vitest';
import { chargeTexts } from '../../../lib/domain/fix-attempt.ts';
import { type CardTries, NO_TRIES } from '../../../lib/domain/payments/card-tries.ts';
import { decideAnnouncement, waitForCard } from '../../../lib/operations/fixes/announce-charge.ts';
import { toDecision } from '../../../lib/operations/fixes/decide-step.ts';
import type { Payable } from '../../../lib/operations/payments/payable.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import { chargeOf, fixOf, headWith, NOTHING_SPENT } from '../../support/heads.ts';
import { openMoney } from '../../support/money.ts';
import { openTestTable } from '../../support/table.ts';

/* Announces a charge within its card's limits, and waits for a busy card. */

const AT = new Date('2026-03-01T12:00:00.000Z');
const HEAD = headWith({ balance: 0 });
const FIX = fixOf();
const WANTED = chargeOf({ attempt: 2, paymentMethodId: 'pm_1' });
const CARD = { paymentMethodId: 'pm_1', fingerprint: 'fp_1' };

const payable = (card: Payable['card'], tries: Partial<CardTries> = {}): Payable => ({
  card,
  tries: { version: 1, cards: { fp_1: { ...NO_TRIES, ...tries } } },
  spending: NOTHING_SPENT,
  mailsReceipts: false,
});
const announce = (of: Payable, byPerson = false) =>
  decideAnnouncement(HEAD, FIX, WANTED, of, { at: AT, byPerson });
const answerOf = (of: Payable, byPerson = false) => {
  const decision = announce(of, byPerson);
  return decision.kind === 'done' ? decision.answer : decision.kind;
};

describe('a charge', () => {
  it.each([{ ...CARD, paymentMethodId: 'pm_2' }, null])(
    'a charge is not announced if Stripe has another card than the head: %j',
    (card) => {
      expect(answerOf(payable(card))).toEqual({ kind: 'card_changed' });
    },
  );

  it('a charge is not announced while its card has the maximum of tries without an outcome', () => {
    const underWay = Array.from({ length: 15 }, (_, n) => ({ id: `t${n}`, startedAt: AT.toISOString() }));
    expect(answerOf(payable(CARD, { underWay }))).toEqual({ kind: 'card_busy' });
  });

  it('a charge is not announced before its card may be tried again, unless a person asks', () => {
    const declined = payable(CARD, { declines: [AT.toISOString()], lastCode: 'do_not_honor' });
    expect(answerOf(declined)).toEqual({
      kind: 'not_tried',
      code: 'do_not_honor',
      retryAt: new Date('2026-03-01T13:00:00.000Z'),
      at: AT,
      balance: 0,
    });
    expect(answerOf(declined, true)).toBe('write');
  });

  it('a charge is announced with the try of its card and its reserved amount, and the result has the charge', () => {
    const decision = announce(payable(CARD));
    if (decision.kind !== 'write') throw new Error('nothing was announced');
    const charge = { ...WANTED, cardKey: 'fp_1', texts: chargeTexts(FIX, null) };
    expect(decision.writes(HEAD, AT)).toMatchObject([
      { Update: { ExpressionAttributeValues: { ':new_charge': { card_key: 'fp_1', attempt: 2 } } } },
      {
        Put: {
          Item: { cards: { fp_1: { underWay: [{ id: `${FIX.id}:2`, startedAt: AT.toISOString() }] } } },
        },
      },
      { Update: { Key: { sk: 'SPENDING#2026-01' }, ExpressionAttributeValues: { ':committed': 0 } } },
    ]);
    expect(decision.answer({ head: HEAD, at: AT, entries: [] })).toEqual({
      kind: 'charge',
      fix: { ...FIX, charge },
      charge,
      balance: 0,
      isFresh: true,
    });
  });
});

describe("Stripe's receipt", () => {
  it.each([
    ["the customer's address", true, 'a@x.io', 'a@x.io'],
    ['an account without an address', true, '', null],
    ['a stage whose Stripe account mails no receipts', false, 'a@x.io', null],
  ])("Stripe's receipt goes to the address at the time of the announcement, if any: %s", (...row) => {
    const [, mailsReceipts, email, receiptEmail] = row;
    const of = { ...payable(CARD), mailsReceipts };
    const head = { ...HEAD, email };
    const decision = decideAnnouncement(head, FIX, WANTED, of, { at: AT, byPerson: false });
    if (decision.kind !== 'write') throw new Error('nothing was announced');
    expect(decision.answer({ head, at: AT, entries: [] })).toMatchObject({
      charge: { texts: { receiptEmail } },
    });
  });
});

describe('the month of a charge', () => {
  const decideIn = (
    spending: Payable['spending'],
    spendingLimitCents: number | null = null,
    card: Payable['card'] = CARD,
  ) => {
    const charge = { ...WANTED, spendingMonth: '2026-01' };
    const head = { ...HEAD, spendingLimitCents };
    const of = { ...payable(card), spending };
    return toDecision({ head, related: FIX }, { kind: 'charge', charge }, of, { at: AT, byPerson: false });
  };

  it('a month that ends between the read and the announcement is read again', () => {
    expect(decideIn(NOTHING_SPENT).kind).toBe('write');
    expect(decideIn({ ...NOTHING_SPENT, month: '2025-12' })).toEqual({ kind: 'stale' });
  });

  it('a charge above the limit is not announced if its card is still on file', () => {
    const decision = decideIn(NOTHING_SPENT, 0);
    if (decision.kind !== 'write') throw new Error('no letter was written');
    expect(decision.answer({ head: HEAD, at: AT, entries: [] })).toMatchObject({
      kind: 'blocked',
      code: 'spending_limit_reached',
    });
  });

  it('a card that was replaced at Stripe is synced before the limit is looked at', () => {
    const decision = decideIn(NOTHING_SPENT, 0, { ...CARD, paymentMethodId: 'pm_2' });
    expect(decision).toEqual({ kind: 'done', answer: { kind: 'card_changed' } });
  });
});

describe('waiting for a card', () => {
  it('a wait for a card takes up to a quarter of a second, and there are at most 60 waits', async () => {
    const waits: number[] = [];
    const deps: PaymentDeps = {
      ...(await openMoney(await openTestTable())).deps,
      random: () => 0.5,
      sleep: async (ms) => {
        waits.push(ms);
      },
    };
    await waitForCard(deps, 0);
    await waitForCard(deps, 59);
    expect(waits).toEqual([125, 125]);
    await expect(waitForCard(deps, 60)).rejects.toMatchObject({ code: 'ledger_busy' });
    expect(waits).toHaveLength(2);
  });
});
