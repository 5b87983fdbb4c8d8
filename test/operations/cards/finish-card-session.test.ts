import { DeleteCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { addPaymentMethod } from '../../../lib/operations/accounts/add-payment-method.ts';
import {
  finishCardSession,
  finishReturnedSession,
} from '../../../lib/operations/cards/finish-card-session.ts';
import type { BusinessEvent } from '../../../lib/runtime/business-events.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import { keys } from '../../../lib/store/keys.ts';
import { type CardSession, keepCardSession } from '../../../lib/store/payments/card-sessions.ts';
import { writeTogether } from '../../../lib/store/table.ts';
import type { StripePort } from '../../../lib/stripe/port.ts';
import {
  customerWithoutCard,
  enterNewCard,
  movedAtEachRead,
  moveSession,
  sessionIdOf,
  startSession,
  storedSession,
} from '../../support/card-page.ts';
import { markClosed } from '../../support/customers.ts';
import { documents } from '../../support/documents.ts';
import { headOf, openMoneyForFile } from '../../support/money.ts';
import type { MoneyInProcess } from '../../support/money-in-process.ts';
import { pastDueCustomer } from '../../support/past-due.ts';
import { setHead } from '../../support/set-head.ts';
import { answering as answeringWith, failing } from '../../support/stripe-answers.ts';
import { countingCalls } from '../../support/table.ts';

/* Each way in which a Checkout session ends, also when something changes between two steps. */

const HOUR = 1 / 24;
const DAY_MS = 24 * 60 * 60_000;
const NONE = { kind: 'none' };

let money: MoneyInProcess;
let deps: PaymentDeps;
let reported: BusinessEvent[];
let customerId: string;
beforeEach(async () => {
  ({ money, deps, customerId } = await customerWithoutCard());
  reported = [];
  deps = { ...deps, report: (happened) => void reported.push(happened) };
});

const answering = (answers: (port: StripePort) => Partial<StripePort>) => answeringWith(deps, answers);
const notAsked = failing('misconfigured');

const start = async () => sessionIdOf(await startSession(deps, customerId));
const enter = (sessionId: string) => enterNewCard(money, sessionId);

/** A session whose card was entered, as Stripe has it. */
async function entered() {
  const sessionId = await start();
  const card = enter(sessionId);
  const hosted = await (await deps.stripe()).readCardSession(sessionId);
  if (hosted === null) throw new Error('no session');
  return { sessionId, card, hosted };
}

const stored = () => storedSession(deps, customerId);
const replace = (changed: Partial<CardSession>) => moveSession(deps, customerId, changed);

const cardOnFile = async () => (await headOf(deps, customerId)).paymentMethodId;

/** Stripe, where something happens just before the card is put on file. */
const meanwhile = (happens: () => Promise<void>) =>
  answering((port) => ({
    readCardDetails: async (stripeCustomerId) => {
      await happens();
      return port.readCardDetails(stripeCustomerId);
    },
  }));

describe('a session that is not there', () => {
  it('a customer who does not exist, or has no session that Stripe knows, has none, and Stripe is not asked', async () => {
    const silent = await answering(() => ({ readCardSession: notAsked }));
    expect(await finishCardSession(silent, 'f'.repeat(32))).toEqual(NONE);
    expect(await finishCardSession(silent, customerId)).toEqual(NONE);
    const lost = await answering(() => ({ openCardSession: failing('transient') }));
    await expect(startSession(lost, customerId)).rejects.toMatchObject({ code: 'payments_unavailable' });
    expect(await finishCardSession(silent, customerId)).toEqual(NONE);
  });

  it('a stored session that Stripe no longer has puts no card on file', async () => {
    await start();
    const gone = await answering(() => ({ readCardSession: async () => null }));
    expect(await finishCardSession(gone, customerId)).toEqual(NONE);
    expect((await stored()).state).toBe('open');
  });

  it.each([
    ['customer', { customerId: 'f'.repeat(32) }],
    ['number', { attempt: 2 }],
    ['Stripe customer', { stripeCustomerId: 'cus_other' }],
  ])('a session with another %s than the stored one puts no card on file', async (_, other) => {
    const { hosted } = await entered();
    expect(await finishCardSession(deps, customerId, { ...hosted, ...other })).toEqual(NONE);
    expect(await cardOnFile()).toBeNull();
    expect(await finishCardSession(deps, customerId, hosted)).toMatchObject({ kind: 'on_file' });
  });

  it.each([null, 'f'.repeat(31), 'f'.repeat(33), `x${'f'.repeat(32)}`, `${'f'.repeat(32)}x`])(
    'a returned session of the customer %s is of no customer, and the table is not read',
    async (named) => {
      const { sessionId } = await entered();
      const other = await answering((port) => ({
        readCardSession: async (id) => {
          const hosted = await port.readCardSession(id);
          return hosted && { ...hosted, customerId: named };
        },
      }));
      const { result, calls } = await countingCalls(deps.table, () =>
        finishReturnedSession(other, sessionId),
      );
      expect(result).toEqual({ kind: 'none', customerId: null });
      expect(calls).toEqual([]);
    },
  );
});

describe('a session whose card is not put on file', () => {
  it('a session that was confirmed without a card is refused', async () => {
    const { hosted } = await entered();
    const refused = { kind: 'refused', bonusCredits: 0, renewal: 'none' };
    expect(await finishCardSession(deps, customerId, { ...hosted, card: null })).toEqual(refused);
    expect(await stored()).toMatchObject({ state: 'finished', outcome: refused });
    expect(await cardOnFile()).toBeNull();
  });

  it('a card of an account that is closed is detached, and Stripe is not asked to attach it', async () => {
    const { hosted, card } = await entered();
    await markClosed(deps, customerId);
    const silent = await answering(() => ({ attachCard: notAsked, readCardDetails: notAsked }));
    expect(await finishCardSession(silent, customerId, hosted)).toMatchObject({ kind: 'closed' });
    expect(money.double.state.paymentMethods.get(card, 'path').customer).toBeNull();
  });

  it('a card of an account that is closed just before it is put on file is detached too', async () => {
    const { hosted, card } = await entered();
    const closing = await meanwhile(() => markClosed(deps, customerId));
    expect(await finishCardSession(closing, customerId, hosted)).toMatchObject({ kind: 'closed' });
    expect(money.double.state.paymentMethods.get(card, 'path').customer).toBeNull();
    expect(await stored()).toMatchObject({ state: 'finished', outcome: { kind: 'closed' } });
  });

  it('a session of an earlier Stripe customer is refused, and Stripe is not asked', async () => {
    const { hosted } = await entered();
    await setHead(deps.table, customerId, 'stripe_customer_id', 'cus_other');
    const silent = await answering(() => ({ attachCard: notAsked, readCardDetails: notAsked }));
    expect(await finishCardSession(silent, customerId, hosted)).toMatchObject({ kind: 'refused' });
  });

  it('a card that is declined when it is attached ends the session as refused', async () => {
    const { hosted } = await entered();
    const declining = await answering(() => ({ attachCard: failing('declined') }));
    expect(await finishCardSession(declining, customerId, hosted)).toMatchObject({ kind: 'refused' });
    expect(reported.filter(({ kind }) => kind === 'payment_method_added')).toEqual([]);
  });

  it('a failure of Stripe, or a defect of ours, leaves the session open', async () => {
    const { hosted } = await entered();
    const down = await answering(() => ({ attachCard: failing('transient') }));
    await expect(finishCardSession(down, customerId, hosted)).rejects.toMatchObject({
      code: 'payments_unavailable',
    });
    const broken = await answering(() => ({ attachCard: () => Promise.reject(new Error('a defect')) }));
    await expect(finishCardSession(broken, customerId, hosted)).rejects.toThrow('a defect');
    expect(await stored()).toMatchObject({ state: 'completing', outcome: null });
  });
});

describe('the default card beside a session', () => {
  it('a card that was made the default before a crash is put on file by the next call', async () => {
    const { hosted, card } = await entered();
    const crashing = await answering((port) => ({
      makeDefault: async (...asked) => {
        await port.makeDefault(...asked);
        return failing('indeterminate')();
      },
    }));
    await expect(finishCardSession(crashing, customerId, hosted)).rejects.toMatchObject({
      code: 'payments_unavailable',
    });
    expect(await finishCardSession(deps, customerId, hosted)).toMatchObject({ kind: 'on_file' });
    expect(await cardOnFile()).toBe(card);
  });

  const addOther = async () => {
    const { id } = await money.stripe.paymentMethods.create({ type: 'card', card: { token: 'tok_visa' } });
    await addPaymentMethod(deps, await headOf(deps, customerId), id);
    return id;
  };

  it('a card that was entered after another one was added replaces it', async () => {
    const sessionId = await start();
    money.days(HOUR);
    await addOther();
    money.days(HOUR);
    const card = enter(sessionId);
    expect(await finishCardSession(deps, customerId)).toMatchObject({ kind: 'on_file', bonusCredits: 0 });
    expect(await cardOnFile()).toBe(card);
  });

  it('of two cards of the same second, the one that is on file stays', async () => {
    const sessionId = await start();
    const other = await addOther();
    enter(sessionId);
    expect(await finishCardSession(deps, customerId)).toMatchObject({ kind: 'superseded' });
    expect(await cardOnFile()).toBe(other);
  });
});

describe('a session that another caller moves', () => {
  it('a session that other callers move each time is tried five times, and the caller may repeat', async () => {
    await entered();
    const { contended, reads } = await movedAtEachRead(deps, customerId);
    await expect(finishCardSession(contended, customerId)).rejects.toMatchObject({ code: 'ledger_busy' });
    expect(reads()).toBe(5);
    expect(await cardOnFile()).toBeNull();
  });

  it('a session that is deleted, or replaced by another one, puts no card on file', async () => {
    const { hosted } = await entered();
    const replaced = await meanwhile(() => replace({ attempt: 2, sessionId: 'cs_test_other' }));
    expect(await finishCardSession(replaced, customerId, hosted)).toEqual(NONE);
    const Key = keys.cardSession(customerId);
    const before: CardSession = {
      ...(await stored()),
      attempt: 1,
      state: 'open',
      sessionId: hosted.sessionId,
    };
    await documents(deps.table).send(new DeleteCommand({ TableName: deps.table.name, Key }));
    await writeTogether(deps.table, [keepCardSession(customerId, before, null)]);
    const deleted = await meanwhile(async () => {
      await documents(deps.table).send(new DeleteCommand({ TableName: deps.table.name, Key }));
    });
    expect(await finishCardSession(deleted, customerId, hosted)).toEqual(NONE);
    expect(await cardOnFile()).toBeNull();
  });

  it('a session keeps the time at which the service learned of its card', async () => {
    const { hosted } = await entered();
    const learnedAt = deps.now().toISOString();
    const down = await answering(() => ({ attachCard: failing('transient') }));
    await expect(finishCardSession(down, customerId, hosted)).rejects.toThrow();
    money.days(HOUR);
    await finishCardSession(deps, customerId, hosted);
    expect(await stored()).toMatchObject({ state: 'finished', completedAt: learnedAt });
  });
});

describe('the outcome of a session', () => {
  it('a card that is put on file is reported once, in two writes and no more reads than needed', async () => {
    const { hosted } = await entered();
    const { calls } = await countingCalls(deps.table, () => finishCardSession(deps, customerId, hosted));
    await finishCardSession(deps, customerId, hosted);
    expect(reported.filter(({ kind }) => kind === 'payment_method_added')).toEqual([
      { kind: 'payment_method_added', customerId },
    ]);
    expect(calls).toEqual([
      'BatchGetItem',
      'TransactWriteItems',
      'BatchGetItem',
      'TransactWriteItems',
      'BatchGetItem',
    ]);
  });

  it('a card that pays an open renewal says so, also to those who ask later', async () => {
    const opened = await openMoneyForFile();
    ({ customerId } = await pastDueCustomer(opened.money));
    // The month has passed at Stripe only.
    const later = new Date(opened.money.deps.now().getTime() + 32 * DAY_MS);
    deps = { ...opened.money.deps, now: () => later };
    const sessionId = await start();
    enterNewCard(opened.money, sessionId);
    const hosted = (await (await deps.stripe()).readCardSession(sessionId)) ?? undefined;
    const paid = { kind: 'on_file', renewal: 'paid' };
    expect(await finishCardSession(deps, customerId, hosted)).toMatchObject(paid);
    expect(await stored()).toMatchObject({ state: 'finished', outcome: paid });
    expect(await finishCardSession(deps, customerId, hosted)).toMatchObject(paid);
    await opened.stop();
  });
});
