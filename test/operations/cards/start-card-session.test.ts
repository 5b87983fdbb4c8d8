import { beforeEach, describe, expect, it } from 'vitest';
import { startCardSession } from '../../../lib/operations/cards/start-card-session.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import type { CardSession } from '../../../lib/store/payments/card-sessions.ts';
import type { HostedCardSession, StripePort } from '../../../lib/stripe/port.ts';
import {
  API_URL,
  CLICK,
  customerWithoutCard,
  enterNewCard,
  movedAtEachRead,
  moveSession,
  sessionIdOf,
  startSession,
  storedSession,
} from '../../support/card-page.ts';
import { markClosed } from '../../support/customers.ts';
import { headOf } from '../../support/money.ts';
import type { MoneyInProcess } from '../../support/money-in-process.ts';
import { setHead } from '../../support/set-head.ts';
import { answering as answeringWith, failing } from '../../support/stripe-answers.ts';

/* When a click gets the page that is open already, and when it gets another one. */

const MINUTE = 1 / 24 / 60;

let money: MoneyInProcess;
let deps: PaymentDeps;
let customerId: string;
beforeEach(async () => {
  ({ money, deps, customerId } = await customerWithoutCard());
});

const answering = (answers: (port: StripePort) => Partial<StripePort>) => answeringWith(deps, answers);
const notAsked = failing('misconfigured');

const start = async (by = deps) => sessionIdOf(await startSession(by, customerId));
const sessions = () => money.double.state.checkoutSessions.newestFirst;
const states = () => sessions().map(({ status }) => status);

/** Stripe, which shows the session with these facts. */
const showing = (facts: Partial<HostedCardSession>, others: Partial<StripePort> = {}) =>
  answering((port) => ({
    readCardSession: async (id) => {
      const hosted = await port.readCardSession(id);
      return hosted && { ...hosted, ...facts };
    },
    ...others,
  }));

const stored = () => storedSession(deps, customerId);
const replace = (changed: Partial<CardSession>) => moveSession(deps, customerId, changed);

describe('a session that is not used again', () => {
  it('a session that Stripe no longer has is replaced, and not ended', async () => {
    const first = await start();
    const gone = await answering(() => ({ readCardSession: async () => null, expireCardSession: notAsked }));
    expect(await start(gone)).not.toBe(first);
    expect((await stored()).attempt).toBe(2);
  });

  it('a session that Stripe shows as expired is replaced, and not ended again', async () => {
    const first = await start();
    expect(await start(await showing({ state: 'expired' }, { expireCardSession: notAsked }))).not.toBe(first);
  });

  it('a session whose page Stripe does not name is ended and replaced', async () => {
    const first = await start();
    expect(await start(await showing({ url: null }))).not.toBe(first);
    expect(states()).toEqual(['open', 'expired']);
  });

  it('a session of an earlier Stripe customer is ended and replaced', async () => {
    const first = await start();
    const { id } = await money.stripe.customers.create({ metadata: { customer_id: customerId } });
    await setHead(deps.table, customerId, 'stripe_customer_id', id);
    expect(await start()).not.toBe(first);
    expect(states()).toEqual(['open', 'expired']);
    expect(await stored()).toMatchObject({ attempt: 2, stripeCustomerId: id });
  });

  it('a session with exactly 15 minutes left is replaced, and one with more is used', async () => {
    const first = await start();
    const left = (minutes: number) => ({ expiresAt: new Date(deps.now().getTime() + minutes * 60_000) });
    expect(await start(await showing(left(15.1)))).toBe(first);
    expect(await start(await showing(left(15)))).not.toBe(first);
  });

  it("a completed session that is not the customer's is dropped, so that the customer can add a card", async () => {
    const first = await start();
    const foreign = await showing({ state: 'complete', attempt: 99 });
    expect(await start(foreign)).not.toBe(first);
    expect(await stored()).toMatchObject({ attempt: 2, state: 'open' });
    expect((await headOf(deps, customerId)).paymentMethodId).toBeNull();
  });

  it('a session that is completed while it is being ended is finished, and none is opened', async () => {
    const first = await start();
    money.days(22.9 / 24);
    const completing = await answering(() => ({
      expireCardSession: async () => {
        enterNewCard(money, first);
      },
    }));
    expect(await startCardSession(completing, customerId, CLICK, API_URL)).toEqual({
      kind: 'complete',
      sessionId: first,
    });
    expect(states()).toEqual(['complete']);
    expect((await headOf(deps, customerId)).balance).toBe(10);
  });
});

describe('a click on an account that is closed', () => {
  it('a click on a closed account does not lead to a session that is still open', async () => {
    await start();
    await markClosed(deps, customerId);
    await expect(start()).rejects.toMatchObject({ code: 'account_closed' });
  });
});

describe('a session whose opening got no answer', () => {
  const lose = async () => {
    const lost = await answering(() => ({ openCardSession: failing('transient') }));
    await expect(start(lost)).rejects.toMatchObject({ code: 'payments_unavailable' });
  };

  it.each([
    [59, 1],
    [60, 2],
  ])(
    'the opening is repeated under its key within an hour: after %i minutes it is number %i',
    async (minutes, attempt) => {
      await lose();
      money.days(minutes * MINUTE);
      await start();
      expect((await stored()).attempt).toBe(attempt);
    },
  );

  it('the opening for another Stripe customer has another key', async () => {
    await lose();
    const { id } = await money.stripe.customers.create({ metadata: { customer_id: customerId } });
    await setHead(deps.table, customerId, 'stripe_customer_id', id);
    await start();
    expect(await stored()).toMatchObject({ attempt: 2, stripeCustomerId: id });
  });

  it('an opening that Stripe keeps as failed is reported once, and the next click opens another session', async () => {
    const kept = failing('indeterminate', { answered: true, replayed: true });
    const failed = await answering(() => ({ openCardSession: kept }));
    await expect(start(failed)).rejects.toMatchObject({ code: 'payments_unavailable' });
    expect(await stored()).toMatchObject({ attempt: 1, state: 'finished' });
    await start();
    expect((await stored()).attempt).toBe(2);
  });
});

describe('a click while another caller moves the session', () => {
  it('a click that loses every race is tried five times, and may be repeated', async () => {
    await start();
    const { contended, reads } = await movedAtEachRead(deps, customerId);
    await expect(start(contended)).rejects.toMatchObject({ code: 'ledger_busy' });
    expect(reads()).toBe(5);
  });

  it('a session that another caller moved while it was opened is not shown; the next try shows the current one', async () => {
    const moved = await answering((port) => ({
      openCardSession: async (order) => {
        const hosted = await port.openCardSession(order);
        const { state } = await stored();
        if (state === 'opening') await replace({ state: 'open', sessionId: hosted.sessionId });
        return hosted;
      },
    }));
    const shown = await start(moved);
    expect(sessions().map(({ id }) => id)).toEqual([shown]);
    expect(await stored()).toMatchObject({ state: 'open', sessionId: shown });
  });

  it('a new session whose page Stripe does not name is replaced', async () => {
    let opened = 0;
    const nameless = await answering((port) => ({
      openCardSession: async (order) => {
        opened += 1;
        const hosted = await port.openCardSession(order);
        return opened === 1 ? { ...hosted, url: null } : hosted;
      },
    }));
    const shown = await start(nameless);
    expect((await stored()).sessionId).toBe(shown);
  });
});
