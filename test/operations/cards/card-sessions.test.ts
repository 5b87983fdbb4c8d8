import { beforeEach, describe, expect, it } from 'vitest';
import { BILLING_CONSENT } from '../../../lib/domain/evidence/billing-consent.ts';
import { addPaymentMethod, type CardSource } from '../../../lib/operations/accounts/add-payment-method.ts';
import { closeCustomer } from '../../../lib/operations/accounts/close-customer.ts';
import {
  finishCardSession,
  finishReturnedSession,
  readCardSession,
} from '../../../lib/operations/cards/finish-card-session.ts';
import { startCardSession } from '../../../lib/operations/cards/start-card-session.ts';
import { applyEvent } from '../../../lib/operations/events/apply-event.ts';
import { settlePendingCharges } from '../../../lib/operations/work/sweep.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import { readConsents } from '../../../lib/store/evidence/consents.ts';
import { keys } from '../../../lib/store/keys.ts';
import type { CardName } from '../../../local/stripe-double/cards.ts';
import {
  API_URL,
  CLICK,
  customerWithoutCard,
  enterNewCard,
  sessionIdOf,
  startSession,
} from '../../support/card-page.ts';
import { expectSoundMoney, headOf } from '../../support/money.ts';
import type { MoneyInProcess } from '../../support/money-in-process.ts';
import { answering, failing } from '../../support/stripe-answers.ts';
import { countingCalls } from '../../support/table.ts';

/* Adding a card on Stripe's page: once on file, with one bonus, in whatever order its news arrive. */

const HOUR = 1 / 24;

let money: MoneyInProcess;
let deps: PaymentDeps;
let customerId: string;
beforeEach(async () => {
  ({ money, deps, customerId } = await customerWithoutCard());
});

const start = (click = CLICK, by = deps): Promise<string> => startSession(by, customerId, click);
const sessions = () => money.double.state.checkoutSessions.newestFirst;
const idOf = sessionIdOf;
const enter = (sessionId: string, card?: CardName) => enterNewCard(money, sessionId, card);
const defaultCard = async () => {
  const { stripeCustomerId } = await headOf(deps, customerId);
  const customer = money.double.state.customers.get(stripeCustomerId ?? '', 'path');
  return customer.invoice_settings.default_payment_method;
};
const entries = async () => (await expectSoundMoney(money, customerId)).entries.map(({ source }) => source);
const CARD_EVENTS = ['checkout.session.completed', 'setup_intent.succeeded'];
const cardEvents = () => money.newEvents().filter(({ type }) => CARD_EVENTS.includes(type));

const ON_FILE = { kind: 'on_file', bonusCredits: 5, renewal: 'none' };

describe('a card that is added on Stripe’s page', () => {
  it('the return page puts the card on file, makes it the default and grants one bonus', async () => {
    const id = idOf(await start());
    const card = enter(id);
    expect(await finishReturnedSession(deps, id)).toEqual({ ...ON_FILE, customerId });
    const head = await headOf(deps, customerId);
    expect(head).toMatchObject({ paymentMethodId: card, balance: 10, subscriptionType: 'pay_as_you_go' });
    expect(await defaultCard()).toBe(card);
    const [consent] = await readConsents(deps.table, customerId);
    expect(consent).toMatchObject({
      ...{ paymentMethodId: card, sourceIp: CLICK.sourceIp, userAgent: 'Firefox' },
      ...{ by: { kind: 'page', page: '/billing/card' }, ...BILLING_CONSENT },
    });
  });

  it('Stripe shows the text that the cardholder agrees to, takes cards only, and asks for the address', async () => {
    await start();
    expect(sessions()[0]).toMatchObject({
      mode: 'setup',
      custom_text: { submit: { message: BILLING_CONSENT.text } },
      billing_address_collection: 'required',
      allowed_payment_method_types: ['card'],
      metadata: { customer_id: customerId, card_session: '1' },
      cancel_url: `${API_URL}/billing/card`,
    });
    expect(sessions()[0]?.success_url).toBe(`${API_URL}/billing/card/return?session=${sessions()[0]?.id}`);
  });

  it.each(['500_before', '500_after'] as const)(
    'Stripe keeps a %s under its key, and the next click opens another session',
    async (kind) => {
      money.double.faults.add({ path: '/v1/checkout/sessions', method: 'POST', kind });
      await expect(start()).rejects.toMatchObject({ code: 'payments_unavailable' });
      enter(idOf(await start()));
      for (const event of cardEvents()) await applyEvent(deps, event);
      expect(await headOf(deps, customerId)).toMatchObject({ balance: 10 });
      expect(await entries()).toEqual(['trial_signup', 'trial_billing_added']);
    },
  );

  it.each(CARD_EVENTS)('the event %s alone puts the card on file', async (type) => {
    enter(idOf(await start()));
    const [event] = cardEvents().filter((one) => one.type === type);
    if (event === undefined) throw new Error('no such event');
    expect(await applyEvent(deps, event)).toMatchObject({ outcome: 'processed', customerId });
    expect(await headOf(deps, customerId)).toMatchObject({ balance: 10 });
    expect(await applyEvent(deps, event)).toMatchObject({ outcome: 'duplicate', customerId });
  });

  it('completed twice, by both events and by the return page, has one effect and one bonus', async () => {
    const id = idOf(await start());
    const card = enter(id);
    for (const event of [...cardEvents(), ...cardEvents()]) await applyEvent(deps, event);
    for (let i = 0; i < 2; i++) {
      expect(await finishReturnedSession(deps, id)).toEqual({ ...ON_FILE, customerId });
    }
    expect(await entries()).toEqual(['trial_signup', 'trial_billing_added']);
    expect(await defaultCard()).toBe(card);
    expect(await readConsents(deps.table, customerId)).toHaveLength(1);
  });

  it('several callers at once have one effect and one bonus, and all learn of it', async () => {
    const id = idOf(await start());
    enter(id);
    const events = cardEvents();
    const [first, second] = await Promise.all([
      finishReturnedSession(deps, id),
      finishReturnedSession(deps, id),
      finishCardSession(deps, customerId),
      ...events.map((event) => applyEvent(deps, event)),
    ]);
    expect([first, second]).toEqual([
      { ...ON_FILE, customerId },
      { ...ON_FILE, customerId },
    ]);
    expect(await entries()).toEqual(['trial_signup', 'trial_billing_added']);
    expect(await readConsents(deps.table, customerId)).toHaveLength(1);
  });

  it('a caller that finds the session finished grants nothing, and says that it only repeats', async () => {
    const id = idOf(await start());
    const card = enter(id);
    const head = await headOf(deps, customerId);
    const finished: CardSource = {
      key: keys.cardSession(customerId),
      isOpen: () => false,
      close: () => {
        throw new Error('the session is finished');
      },
    };
    const { result: repeated, calls } = await countingCalls(deps.table, () =>
      addPaymentMethod(deps, head, card, undefined, finished),
    );
    // The call that finished it does the rest.
    expect(calls).toEqual(['BatchGetItem']);
    expect(repeated).toEqual({ head, bonusCredits: 0, isRepeat: true, renewal: 'none' });
    expect(await headOf(deps, customerId)).toEqual(head);
  });

  it('a day after the cardholder entered the card, it is put on file', async () => {
    const id = idOf(await start());
    money.days(22 * HOUR);
    const card = enter(id);
    money.days(1);
    expect(await finishReturnedSession(deps, id)).toMatchObject(ON_FILE);
    expect(await headOf(deps, customerId)).toMatchObject({ paymentMethodId: card, balance: 10 });
  });

  it('for an account that was closed meanwhile, the card is not put on file and is removed at Stripe', async () => {
    const id = idOf(await start());
    await closeCustomer(deps, customerId);
    const card = enter(id);
    expect(await finishReturnedSession(deps, id)).toMatchObject({ kind: 'closed', bonusCredits: 0 });
    expect(money.double.state.paymentMethods.get(card, 'path').customer).toBeNull();
    expect(await headOf(deps, customerId)).toMatchObject({ paymentMethodId: null, balance: 5 });
    for (const event of cardEvents()) await applyEvent(deps, event);
    expect(await finishReturnedSession(deps, id)).toMatchObject({ kind: 'closed' });
    expect(await headOf(deps, customerId)).toMatchObject({ paymentMethodId: null, balance: 5 });
  });

  it('a session that is finished late does not replace a card that was added after it', async () => {
    const id = idOf(await start());
    enter(id);
    money.days(HOUR);
    const { id: newer } = await money.stripe.paymentMethods.create({
      type: 'card',
      card: { token: 'tok_visa' },
    });
    await addPaymentMethod(deps, await headOf(deps, customerId), newer);
    money.days(1);
    expect(await finishReturnedSession(deps, id)).toMatchObject({ kind: 'superseded' });
    for (const event of cardEvents()) await applyEvent(deps, event);
    expect(await defaultCard()).toBe(newer);
    expect(await headOf(deps, customerId)).toMatchObject({ paymentMethodId: newer, balance: 10 });
  });

  it('the events of a finished session do not replace the card of the next one', async () => {
    const first = idOf(await start());
    enter(first);
    const late = cardEvents();
    await finishReturnedSession(deps, first);
    const second = idOf(await start());
    expect(second).not.toBe(first);
    const card = enter(second, 'mastercard');
    expect(await finishReturnedSession(deps, second)).toMatchObject({ kind: 'on_file', bonusCredits: 0 });
    for (const event of late) await applyEvent(deps, event);
    expect(await finishReturnedSession(deps, first)).toMatchObject({ kind: 'none' });
    expect(await defaultCard()).toBe(card);
    expect(await entries()).toEqual(['trial_signup', 'trial_billing_added']);
  });

  it('if Stripe fails midway, the sweeper puts the card on file', async () => {
    const id = idOf(await start());
    const card = enter(id);
    const broken = await answering(deps, () => ({ makeDefault: failing('indeterminate') }));
    await expect(finishReturnedSession(broken, id)).rejects.toMatchObject({ code: 'payments_unavailable' });
    expect(await headOf(deps, customerId)).toMatchObject({ paymentMethodId: null, balance: 5 });
    money.days(HOUR);
    expect(await settlePendingCharges(deps)).toMatchObject({ settled: 1, failed: [] });
    expect(await headOf(deps, customerId)).toMatchObject({ paymentMethodId: card, balance: 10 });
    expect(await settlePendingCharges(deps)).toMatchObject({ settled: 0 });
  });

  it('a card that Stripe no longer has ends the session, and the next one works', async () => {
    const id = idOf(await start());
    const card = enter(id);
    await money.stripe.paymentMethods.detach(card);
    expect(await finishReturnedSession(deps, id)).toMatchObject({ kind: 'refused' });
    const next = idOf(await start());
    enter(next);
    expect(await finishReturnedSession(deps, next)).toMatchObject(ON_FILE);
  });
});

describe('opening Stripe’s page', () => {
  it('repeated and concurrent clicks open one session', async () => {
    const urls = await Promise.all([start(), start(), start()]);
    urls.push(await start());
    expect(new Set(urls).size).toBe(1);
    expect(sessions()).toHaveLength(1);
  });

  it('after a crash before the session was stored, the next click gets the same session', async () => {
    const { stripe } = deps;
    const lost = await answering(deps, (port) => ({
      openCardSession: async (order) => {
        await port.openCardSession(order);
        return failing('indeterminate')();
      },
    }));
    await expect(start(CLICK, lost)).rejects.toMatchObject({ code: 'payments_unavailable' });
    expect((await stripe()).proPriceId).toBe(money.priceId);
    money.days(HOUR / 60);
    await start();
    expect(sessions()).toHaveLength(1);
  });

  it('a session that has expired is replaced', async () => {
    const first = await start();
    money.days(1);
    expect(await finishCardSession(deps, customerId)).toEqual({ kind: 'expired' });
    expect(await start()).not.toBe(first);
    expect(sessions().map(({ status }) => status)).toEqual(['open', 'expired']);
  });

  it('a session that ends soon is ended, so that at most one can be completed', async () => {
    await start();
    money.days(22.9 * HOUR);
    await start();
    expect(sessions().map(({ status }) => status)).toEqual(['open', 'expired']);
  });

  it('a click after the cardholder has entered a card finishes that session', async () => {
    const id = idOf(await start());
    enter(id);
    expect(await startCardSession(deps, customerId, CLICK, API_URL)).toEqual({
      kind: 'complete',
      sessionId: id,
    });
    expect(await headOf(deps, customerId)).toMatchObject({ balance: 10 });
  });

  it('a closed account opens no session', async () => {
    await closeCustomer(deps, customerId);
    await expect(start()).rejects.toMatchObject({ code: 'account_closed' });
    expect(sessions()).toEqual([]);
  });

  it('a customer who does not exist opens no session', async () => {
    const gone = startCardSession(deps, 'f'.repeat(32), CLICK, API_URL);
    await expect(gone).rejects.toMatchObject({ code: 'customer_not_found' });
    expect(sessions()).toEqual([]);
  });

  it('the consent names the newest click', async () => {
    await start();
    const id = idOf(await start({ ...CLICK, sourceIp: '198.51.100.7' }));
    expect((await readCardSession(deps, customerId)).session).toMatchObject({ sourceIp: '198.51.100.7' });
    enter(id);
    await finishReturnedSession(deps, id);
    expect(await readConsents(deps.table, customerId)).toMatchObject([{ sourceIp: '198.51.100.7' }]);
  });
});

describe('a session that is not ours', () => {
  it('a session of another customer, a made-up one and an open one put no card on file', async () => {
    const id = idOf(await start());
    expect(await finishReturnedSession(deps, id)).toMatchObject({ kind: 'open' });
    expect(await finishReturnedSession(deps, 'cs_test_none')).toEqual({ kind: 'none', customerId: null });
    const { stripeCustomerId } = await headOf(deps, customerId);
    const foreign = await money.stripe.checkout.sessions.create({
      mode: 'setup',
      customer: stripeCustomerId ?? '',
      allowed_payment_method_types: ['card'],
      success_url: 'https://elsewhere.example',
      metadata: { customer_id: customerId, card_session: '1' },
    });
    enter(foreign.id);
    expect(await finishReturnedSession(deps, foreign.id)).toMatchObject({ kind: 'none' });
    for (const event of cardEvents()) await applyEvent(deps, event);
    expect(await headOf(deps, customerId)).toMatchObject({ paymentMethodId: null, balance: 5 });
  });

  it('events of sessions of other products are ignored', async () => {
    const { id: customer } = await money.stripe.customers.create({ name: 'Of another product' });
    for (const options of [{ customer }, {}]) {
      const { id } = await money.stripe.checkout.sessions.create({
        mode: 'setup',
        ...options,
        allowed_payment_method_types: ['card'],
        success_url: 'https://elsewhere.example',
      });
      enter(id);
    }
    const fates = [];
    for (const event of cardEvents()) {
      const { outcome, reason } = await applyEvent(deps, event);
      fates.push([outcome, reason]);
    }
    const ofCustomer = ['ignored', `${customer} is not a customer of this service`];
    const ofNone = ['ignored', 'its session names no customer'];
    expect(fates).toEqual([ofCustomer, ofCustomer, ofNone, ofNone]);
  });
});
