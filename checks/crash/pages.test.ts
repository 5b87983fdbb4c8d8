import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeFix } from '../../lib/store/fix-attempts.ts';
import { keys } from '../../lib/store/keys.ts';
import { readOrder } from '../../lib/store/orders.ts';
import { readOne } from '../../lib/store/table.ts';
import { enterCard } from '../../local/stripe-double/resources/checkout-sessions.ts';
import { type SignedUp, signUp } from '../../test/support/http.ts';
import {
  addCard,
  atStripe,
  bill,
  customerOutOfCredits,
  leaveCredits,
  recorded,
} from '../../test/support/http-money.ts';
import { expectSoundMoney, headOf, type Money } from '../../test/support/money.ts';
import { hiddenField, type Shown, type Visitor } from '../../test/support/pages.ts';
import { visitorOf } from '../../test/support/session.ts';
import { type Command, send } from './commands.ts';
import { type Crashes, everyCrash, openCrashes, type Subject } from './every-crash.ts';

/* The steps of the billing page that cost money: a card by Checkout, approvals by a bank, waiting fixes. */

type Page = Extract<Command, { kind: 'page' }>;

/** A signed-in browser's request. */
interface Browsing extends Subject {
  readonly command: Page;
  readonly visitor: Visitor;
  readonly credits: number;
}

const ASKS = 'pm_card_authenticationRequired';

let crashes: Crashes;
let money: Money;
beforeAll(async () => {
  process.env['API_URL'] = 'https://billing.test';
  crashes = await openCrashes();
  ({ money } = crashes);
  await money.control('switches', { next_action_with_return_url: 'redirect_to_url' });
});
afterAll(() => crashes.stop());

const signedIn = ({ customerId }: SignedUp): Promise<Visitor> => visitorOf(money.deps, customerId);

const opening = (path: string): Page => ({ kind: 'page', path, cookies: [], form: null });

/** Sends the form of a page to `path`. */
async function sending(
  visitor: Visitor,
  page: Shown,
  path: string,
  fields: Readonly<Record<string, string>> = {},
): Promise<Page> {
  const form = new URLSearchParams({ form_token: hiddenField(page, 'form_token'), ...fields });
  return { kind: 'page', path, cookies: [...visitor.cookies], form: form.toString() };
}

async function browsing(customer: SignedUp, visitor: Visitor, command: Page): Promise<Browsing> {
  const { customerId } = customer;
  return { customerId, command, visitor, credits: (await headOf(money.deps, customerId)).balance };
}

const sessionsOf = (customerId: string) =>
  money.double.state.checkoutSessions.newestFirst.filter(
    ({ customer }) => customer === atStripe(money, customerId).id,
  );

/** The cardholder enters a card that no other customer has, on the only page of Stripe that is still open. */
function enterTheCard(customerId: string): Page {
  const open = sessionsOf(customerId).filter(({ status }) => status === 'open');
  expect(open).toHaveLength(1);
  const [session] = open;
  if (session === undefined) throw new Error('no open session');
  enterCard(money.double.scope(), session, { card: 'visa' });
  const [method] = money.double.state.paymentMethods.newestFirst;
  if (method?.card != null) method.card.fingerprint = randomBytes(8).toString('hex');
  return opening(`/billing/card/return?session=${session.id}`);
}

async function expectOneCard({ customerId }: Browsing): Promise<void> {
  const { paymentMethodId, balance } = await headOf(money.deps, customerId);
  expect(paymentMethodId).toMatch(/^pm_/);
  expect(balance).toBe(10);
  expect(sessionsOf(customerId).filter(({ status }) => status === 'complete')).toHaveLength(1);
  await expectSoundMoney(money, customerId);
}

/** The newest payment of a customer, which their bank approves, and the address it sends the browser back to. */
async function approve(customerId: string): Promise<Page> {
  const [payment] = atStripe(money, customerId).payments;
  if (payment === undefined) throw new Error('no payment');
  const back = new URL(money.double.state.returnUrls.get(payment.id) ?? '');
  await money.control(`payment_intents/${payment.id}/authenticate`, { succeeds: true });
  return opening(`${back.pathname}${back.search}`);
}

/** A customer with a card whose bank asks, who sends the form that buys Pro. */
async function subscriber(): Promise<Browsing> {
  const customer = await signUp();
  await addCard(customer.apiKey, ASKS);
  const visitor = await signedIn(customer);
  const page = await visitor.get('/billing/plan');
  return browsing(
    customer,
    visitor,
    await sending(visitor, page, '/billing/plan/subscribe', { cents: '59900' }),
  );
}

async function expectPro({ customerId, credits }: Browsing): Promise<void> {
  const { paid, subscriptions } = atStripe(money, customerId);
  expect(subscriptions.map(({ status }) => status)).toEqual(['active']);
  expect(paid).toEqual([59_900]);
  expect(await headOf(money.deps, customerId)).toMatchObject({
    balance: credits + 60,
    subscriptionType: 'pro',
  });
  expect((await readOrder(money.deps.table, customerId))?.state).toBe('done');
  await expectSoundMoney(money, customerId);
}

/** A customer whose bank asks about a fix, and who sends the form that approves it. */
async function approver(): Promise<Browsing & { readonly fixId: string }> {
  const customer = await customerOutOfCredits(money, ASKS);
  const fix = await recorded(customer.apiKey, 7);
  expect((await bill(customer.apiKey, fix)).body).toMatchObject({ code: 'authentication_required' });
  const visitor = await signedIn(customer);
  const page = await visitor.get(`/billing/approve?fix=${fix.id}`);
  const command = await sending(visitor, page, '/billing/approve', { fix: fix.id });
  return { ...(await browsing(customer, visitor, command)), fixId: fix.id };
}

async function expectOnePaidFix({ customerId }: Browsing, fixId: string): Promise<void> {
  expect(atStripe(money, customerId).paid).toEqual([2_900]);
  const fix = await readOne(money.deps.table, keys.fix(customerId, fixId), decodeFix);
  expect(fix?.billed?.amountCents).toBe(2_900);
  const { head } = await expectSoundMoney(money, customerId);
  expect(head.balance).toBe(0);
}

describe('a card by Checkout, killed at any call', () => {
  it("opening Stripe's page for a card, killed at any call, leaves one open page, which gives one card and one bonus", async () => {
    const { calls } = await everyCrash(crashes, {
      prepare: async () => {
        const customer = await signUp();
        const visitor = await signedIn(customer);
        const page = await visitor.get('/billing/card');
        return browsing(customer, visitor, await sending(visitor, page, '/billing/card'));
      },
      check: async (subject) => {
        const { status } = await send(enterTheCard(subject.customerId));
        expect(status).toBe(200);
        await expectOneCard(subject);
      },
      answers: [303],
    });
    expect(calls).toContain('POST /v1/checkout/sessions');
  });

  it("returning from Stripe's page, killed at any call, gives one card and one bonus", async () => {
    const { calls } = await everyCrash(crashes, {
      prepare: async () => {
        const customer = await signUp();
        const visitor = await signedIn(customer);
        await send(await sending(visitor, await visitor.get('/billing/card'), '/billing/card'));
        return browsing(customer, visitor, enterTheCard(customer.customerId));
      },
      check: expectOneCard,
      leavesWork: true,
      // A default card known only to Stripe is drift until the browser returns or Stripe's event arrives.
      namedUntilThen: /^the card on file is none, Stripe's default is pm_/,
    });
    expect(calls.some((call) => call.startsWith('GET /v1/checkout/sessions/'))).toBe(true);
  });
});

describe('a payment that a bank asks about, killed at any call', () => {
  it('buying Pro on the page, killed at any call, makes one subscription, which the approval pays once', async () => {
    const { calls } = await everyCrash(crashes, {
      prepare: subscriber,
      check: async (subject) => {
        expect(atStripe(money, subject.customerId).subscriptions).toHaveLength(1);
        await send(await approve(subject.customerId));
        await expectPro(subject);
      },
      answers: [303],
    });
    expect(calls).toContain('POST /v1/subscriptions');
  });

  it('returning from the bank after buying Pro, killed at any call, grants 60 credits once', async () => {
    await everyCrash(crashes, {
      prepare: async () => {
        const bought = await subscriber();
        await send(bought.command);
        return { ...bought, command: await approve(bought.customerId) };
      },
      check: expectPro,
      leavesWork: true,
      namedUntilThen: /^money without credits: /,
    });
  });

  it('approving the payment for a fix, killed at any call, charges once', async () => {
    const { calls } = await everyCrash(crashes, {
      prepare: approver,
      check: async (subject) => {
        await send(await approve(subject.customerId));
        await expectOnePaidFix(subject, subject.fixId);
      },
      answers: [303],
    });
    expect(calls.some((call) => call.startsWith('POST /v1/payment_intents/'))).toBe(true);
  });

  it('returning from the bank after approving a fix, killed at any call, bills it once', async () => {
    await everyCrash(crashes, {
      prepare: async () => {
        const asked = await approver();
        await send(asked.command);
        return { ...asked, command: await approve(asked.customerId) };
      },
      check: (subject) => expectOnePaidFix(subject, subject.fixId),
      leavesWork: true,
      namedUntilThen: /^money without credits: /,
    });
  });
});

describe('waiting fixes, killed at any call', () => {
  it('one click that bills three waiting fixes, killed at any call and repeated, charges each of the other two once', async () => {
    const { calls } = await everyCrash(crashes, {
      prepare: async () => {
        const customer = await signUp();
        await leaveCredits(money, customer.customerId, 0);
        for (const pr of [1, 2, 3])
          expect((await bill(customer.apiKey, await recorded(customer.apiKey, pr))).status).toBe(402);
        await addCard(customer.apiKey, await money.newCard());
        await leaveCredits(money, customer.customerId, 1);
        const visitor = await signedIn(customer);
        const page = await visitor.get('/billing/card/waiting');
        const fields = { fixes: hiddenField(page, 'fixes'), cents: hiddenField(page, 'cents') };
        expect(fields.cents).toBe('5800');
        return browsing(customer, visitor, await sending(visitor, page, '/billing/card/waiting', fields));
      },
      check: async ({ customerId }) => {
        expect(atStripe(money, customerId).paid).toEqual([2_900, 2_900]);
        const { head } = await expectSoundMoney(money, customerId);
        expect(head.balance).toBe(0);
      },
    });
    expect(calls.filter((call) => call === 'POST /v1/payment_intents')).toHaveLength(2);
  });
});
