import { beforeAll, describe, expect, it } from 'vitest';
import { type CardTries, cardKeyOf, NO_TRIES } from '../../../lib/domain/payments/card-tries.ts';
import {
  admission,
  type CardTry,
  endAttempt,
  endTry,
  notTried,
  reserveTry,
  skipWait,
  type TryOutcome,
} from '../../../lib/operations/payments/card-tries.ts';
import { cardDeclined, paymentsFault } from '../../../lib/operations/payments/payment-problems.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import { keepOrder, type ProOrder } from '../../../lib/store/orders.ts';
import { keepCardTries, readCardTries } from '../../../lib/store/payments/card-tries.ts';
import { type Write, writeTogether } from '../../../lib/store/table.ts';
import { StripeFault } from '../../../lib/stripe/fault.ts';
import { middlewareOf } from '../../support/documents.ts';
import { openTestTable, testDeps } from '../../support/table.ts';

/* What the outcome of one try writes to the record of its card, and the notice to the customer. */

let deps: PaymentDeps;
beforeAll(async () => {
  deps = testDeps(await openTestTable());
});

const AT = new Date('2026-03-01T12:00:00.000Z');
const TODAY = '2026-03-01';
const at = (seconds: number): Date => new Date(AT.getTime() + seconds * 1000);

const triesWith = (facts: Partial<CardTries> = {}): CardTries => ({
  ...NO_TRIES,
  underWay: [{ id: 'try', startedAt: AT.toISOString() }],
  ...facts,
});
const TRY: CardTry = { cardKey: 'fp_1', id: 'try' };
const DECLINED: TryOutcome = { kind: 'declined', code: 'generic_decline' };

function itemOf(write: Write | undefined) {
  if (write === undefined || !('Put' in write)) throw new Error('this write puts no item');
  return write.Put.Item ?? {};
}

const cardsOf = (writes: readonly Write[]): unknown => itemOf(writes[0])['cards'];

const end = (outcome: TryOutcome, of: CardTry = TRY, facts: Partial<CardTries> = {}) =>
  endTry('c1', { version: 3, cards: { fp_1: triesWith(facts) } }, of, outcome, AT);

describe('the end of a try', () => {
  it('a declined try is counted, and gets the first letter of the day about its card', () => {
    const { writes, getsLetter } = end(DECLINED);
    expect(getsLetter).toBe(true);
    expect(cardsOf(writes)).toEqual({
      fp_1: { ...NO_TRIES, declines: [AT.toISOString()], lastCode: 'generic_decline', letterDay: TODAY },
    });
    expect(itemOf(writes[0])).toMatchObject({ version: 4 });
  });

  it('a try gets no second letter on one day, and one the next day', () => {
    expect(end(DECLINED, TRY, { letterDay: TODAY }).getsLetter).toBe(false);
    expect(end(DECLINED, TRY, { letterDay: '2026-02-28' }).getsLetter).toBe(true);
  });

  it("a try with a waiting person gets no letter, and leaves the day's letter to another try", () => {
    const { writes, getsLetter } = end(DECLINED, { ...TRY, isAnswered: true });
    expect(getsLetter).toBe(false);
    expect(cardsOf(writes)).toMatchObject({ fp_1: { letterDay: null, declines: [AT.toISOString()] } });
  });

  it('a try whose bank asks the cardholder gets a letter and is no decline', () => {
    const { writes, getsLetter } = end({ kind: 'asked' });
    expect(getsLetter).toBe(true);
    expect(cardsOf(writes)).toEqual({ fp_1: { ...NO_TRIES, letterDay: TODAY } });
  });

  it('a try that ended without a payment is released without a letter', () => {
    const declines = [at(-60).toISOString()];
    const { writes, getsLetter } = end({ kind: 'released' }, TRY, { declines });
    expect(getsLetter).toBe(false);
    expect(cardsOf(writes)).toEqual({ fp_1: { ...NO_TRIES, declines } });
  });

  it('a paid try clears the record without a letter', () => {
    const { writes, getsLetter } = end({ kind: 'succeeded' }, TRY, { declines: [at(-60).toISOString()] });
    expect(getsLetter).toBe(false);
    expect(cardsOf(writes)).toEqual({ fp_1: NO_TRIES });
  });

  it('a try of a card without a record is counted too', () => {
    const { writes } = endTry('c1', { version: 0, cards: {} }, TRY, DECLINED, AT);
    expect(cardsOf(writes)).toMatchObject({ fp_1: { declines: [AT.toISOString()] } });
  });

  it('a try of an earlier release, or without a record, counts nothing, and each outcome has its letter', () => {
    const nothing = { writes: [], getsLetter: true };
    expect(end(DECLINED, { cardKey: null, id: 'try' })).toEqual(nothing);
    expect(endTry('c1', undefined, TRY, DECLINED, AT)).toEqual(nothing);
  });
});

describe('a card', () => {
  it('a card is counted by its fingerprint, or by its payment method without one', () => {
    expect(cardKeyOf({ paymentMethodId: 'pm_1', fingerprint: 'fp_1' })).toBe('fp_1');
    expect(cardKeyOf({ paymentMethodId: 'pm_1', fingerprint: null })).toBe('pm_1');
  });

  it('a card is admitted by its own record and no other', () => {
    const hard = triesWith({ underWay: [], isHard: true, lastCode: 'stolen_card' });
    const stored = { version: 1, cards: { fp_1: hard } };
    expect(admission(stored, 'fp_1', AT, true)).toEqual({
      kind: 'refused',
      code: 'stolen_card',
      retryAt: null,
    });
    expect(admission(stored, 'fp_2', AT, true)).toEqual({ kind: 'allowed' });
  });

  it('a card is reserved beside its tries in flight', () => {
    const stored = { version: 1, cards: { fp_1: triesWith() } };
    const write = reserveTry('c1', stored, { cardKey: 'fp_1', id: 'next' }, AT);
    expect(cardsOf([write])).toMatchObject({
      fp_1: { underWay: [{ id: 'try' }, { id: 'next', startedAt: AT.toISOString() }] },
    });
  });
});

const order = (state: ProOrder['state']): ProOrder => ({
  attempt: 1,
  state,
  stripeCustomerId: 'cus_1',
  paymentMethodId: 'pm_1',
  cardKey: 'fp_1',
  priceId: 'price_pro',
  returnUrl: null,
  startedAt: AT.toISOString(),
});

const store = async (...writes: Write[]): Promise<void> => {
  expect((await writeTogether(deps.table, writes)).kind).toBe('written');
};

const recordOf = async (customerId: string) => (await readCardTries(deps.table, customerId)).cards['fp_1'];

describe('ending an attempt', () => {
  const ends = (customerId: string, card: CardTry = TRY, own = order('refused')) =>
    endAttempt(deps, customerId, card, DECLINED, () => [keepOrder(customerId, own, order('ordering'))]);

  it('ending an attempt writes its outcome and that of the card together', async () => {
    await store(keepOrder('e1', order('ordering'), null));
    await store(keepCardTries('e1', { version: 0, cards: {} }, { fp_1: triesWith() }));
    expect(await ends('e1')).toMatchObject({ kind: 'written' });
    expect(await recordOf('e1')).toMatchObject({ underWay: [], declines: [expect.any(String)] });
  });

  it('ending an attempt that another call has changed writes nothing, and says so', async () => {
    await store(keepOrder('e2', order('done'), null));
    await store(keepCardTries('e2', { version: 0, cards: {} }, { fp_1: triesWith() }));
    let looks = 0;
    const { kind } = await endAttempt(deps, 'e2', TRY, DECLINED, () => {
      looks += 1;
      return [keepOrder('e2', order('refused'), order('ordering'))];
    });
    expect([kind, looks]).toEqual(['refused', 1]);
    expect(await recordOf('e2')).toEqual(triesWith());
  });

  /** Before each of the first `times` transactions, a concurrent call writes the record of the cards. */
  async function endsContested(customerId: string, times: number) {
    await store(keepOrder(customerId, order('ordering'), null));
    let looks = 0;
    let isContesting = false;
    middlewareOf(deps.table).add(
      (next, { commandName }) =>
        async (args) => {
          if (commandName === 'TransactWriteItemsCommand' && looks <= times && !isContesting) {
            isContesting = true;
            const read = await readCardTries(deps.table, customerId);
            await writeTogether(deps.table, [keepCardTries(customerId, read, read.cards)]);
            isContesting = false;
          }
          return next(args);
        },
      { step: 'initialize', priority: 'high', name: 'contest' },
    );
    const { kind } = await endAttempt(deps, customerId, TRY, DECLINED, () => {
      looks += 1;
      return [keepOrder(customerId, order('refused'), order('ordering'))];
    }).finally(() => middlewareOf(deps.table).remove('contest'));
    return { kind, looks };
  }

  it('ending an attempt reads again if only the record of the cards has changed, up to 20 times', async () => {
    expect(await endsContested('e3', 2)).toEqual({ kind: 'written', looks: 3 });
    expect(await recordOf('e3')).toMatchObject({ declines: [expect.any(String)] });
    expect(await endsContested('e4', 99)).toEqual({ kind: 'refused', looks: 20 });
    expect(await recordOf('e4')).toBeUndefined();
  });

  it('ending an attempt of an earlier release writes only its own outcome', async () => {
    await store(keepOrder('e5', order('ordering'), null));
    expect(await ends('e5', { cardKey: null, id: 'try' })).toMatchObject({ kind: 'written' });
    expect(await readCardTries(deps.table, 'e5')).toEqual({ version: 0, cards: {} });
  });
});

describe('a card that a person adds again', () => {
  const CARD = { paymentMethodId: 'pm_1', fingerprint: 'fp_1' };
  const declines = ['2999-01-01T00:00:00.000Z'];

  it('a card that a person adds again can be tried at once', async () => {
    await store(keepCardTries('s1', { version: 0, cards: {} }, { fp_1: triesWith({ declines }) }));
    await skipWait(deps, 's1', CARD);
    expect(await recordOf('s1')).toMatchObject({ declines, isWaitSkipped: true });
  });

  it.each([
    ['was never tried', 's2', null],
    ['was never declined', 's3', triesWith()],
    ['need not wait already', 's4', triesWith({ declines, isWaitSkipped: true })],
  ] as const)('a card that is added is left unchanged if it %s', async (_, customerId, before) => {
    if (before !== null) {
      await store(keepCardTries(customerId, { version: 0, cards: {} }, { fp_1: before }));
    }
    await skipWait(deps, customerId, CARD);
    expect(await readCardTries(deps.table, customerId)).toEqual(
      before === null ? { version: 0, cards: {} } : { version: 1, cards: { fp_1: before } },
    );
  });
});

describe('a card that is not tried now', () => {
  it('a card that is not tried now states the wait in whole seconds, at least one', () => {
    const later = notTried({ code: 'generic_decline', retryAt: at(90.2) }, AT, 3);
    expect(later).toMatchObject({
      code: 'card_declined',
      facts: { credit_balance: 3, decline_code: 'generic_decline', retryAfterSeconds: 91 },
    });
    expect(later.message).toContain(
      'It is not tried again before 2026-03-01T12:01:30.200Z. Add another card, or send the request again then.',
    );
    const due = notTried({ code: 'generic_decline', retryAt: AT }, AT, 3);
    expect(due).toMatchObject({ facts: { retryAfterSeconds: 1 } });
  });

  it('a card that its bank never accepts again says that only another card helps', () => {
    const never = notTried({ code: 'stolen_card', retryAt: null }, AT, 0);
    expect(never.message).toContain('will not accept it again');
    expect(never.facts).toEqual({
      credit_balance: 0,
      reasons: ['card_declined'],
      decline_code: 'stolen_card',
    });
  });
});

describe('a card that was declined', () => {
  it.each([
    [
      { code: 'card_declined', declineCode: 'insufficient_funds' },
      'insufficient_funds',
      'insufficient funds',
    ],
    [{ code: 'expired_card', declineCode: null }, 'expired_card', 'It has expired'],
    [{ code: 'incorrect_cvc', declineCode: null }, 'incorrect_cvc', 'security code is incorrect'],
    [
      { code: 'card_declined', declineCode: 'card_velocity_exceeded' },
      'card_velocity_exceeded',
      'used too often',
    ],
    [{ code: 'processing_error', declineCode: null }, 'processing_error', 'could not process it just now'],
    [{ code: 'payment_method_unusable', declineCode: null }, 'payment_method_unusable', 'no longer on file'],
    [{ code: 'card_declined', declineCode: 'lost_card' }, 'lost_card', 'did not say why'],
  ])('a card declined as %j says so', (decline, code, why) => {
    const error = cardDeclined(decline, 'What next.');
    expect(error.code).toBe('card_declined');
    expect(error.facts).toEqual({ reasons: ['card_declined'], decline_code: code });
    expect(error.message).toContain(why);
    expect(error.message).toContain('What next.');
  });
});

describe('a fault of Stripe', () => {
  it.each([
    ['transient', 'payments_unavailable'],
    ['indeterminate', 'payments_unavailable'],
    ['misconfigured', 'payments_misconfigured'],
    ['refused', 'payments_misconfigured'],
  ] as const)('a fault of Stripe that is %s is %s, and is kept as the cause', (kind, code) => {
    const fault = new StripeFault(kind);
    expect(paymentsFault(fault)).toMatchObject({ code, cause: fault });
  });

  it('another error is not mistaken for a fault of Stripe', () => {
    const error = new Error('a defect');
    expect(paymentsFault(error)).toBe(error);
  });
});
