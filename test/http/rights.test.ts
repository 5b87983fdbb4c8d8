import { beforeAll, expect, inject, it, vi } from 'vitest';
import * as z from 'zod/mini';
import { formTokenOf } from '../../lib/domain/access/tokens.ts';
import { fixBlocked } from '../../lib/domain/notice.ts';
import { testCustomerEmail } from '../../lib/domain/test-customer.ts';
import { sessionCookieOf } from '../../lib/http/pages/session-cookie.ts';
import { letterLinkFor } from '../../lib/operations/access/letter-link.ts';
import { requestSignIn } from '../../lib/operations/access/request-sign-in.ts';
import { makeConfirmLink, makeSignInLink } from '../../lib/operations/access/sign-in.ts';
import { newUnsubscribeLink } from '../../lib/operations/access/unsubscribe-link.ts';
import { closeCustomer } from '../../lib/operations/accounts/close-customer.ts';
import { onboardCustomer } from '../../lib/operations/accounts/onboard-customer.ts';
import { finishCardSession } from '../../lib/operations/cards/finish-card-session.ts';
import { startCardSession } from '../../lib/operations/cards/start-card-session.ts';
import { billFixAttempt } from '../../lib/operations/fixes/bill-fix-attempt.ts';
import { subscribeToPro } from '../../lib/operations/plans/subscribe-to-pro.ts';
import { syncAccount } from '../../lib/operations/plans/sync-account.ts';
import { type Key, keys } from '../../lib/store/keys.ts';
import { putNotice } from '../../lib/store/notices.ts';
import { writeTogether } from '../../lib/store/table.ts';
import { ensurePortalConfiguration } from '../../lib/stripe/setup/portal.ts';
import { enterCard } from '../../local/stripe-double/resources/checkout-sessions.ts';
import { recordedFix } from '../support/customers.ts';
import { uniqueEmail } from '../support/fixtures.ts';
import { type Call, gatewayEvent, invocation, someIp } from '../support/gateway.ts';
import { type Answer, api, call, deployFix, fixBody, type SignedUp, signUp } from '../support/http.ts';
import {
  atStripe,
  cancel,
  customerOutOfCredits,
  eventsAbout,
  leaveCredits,
  proCustomer,
  recorded,
  serveMoney,
} from '../support/http-money.ts';
import { headOf, type Money } from '../support/money.ts';
import { allNoticesOf } from '../support/notices.ts';
import { startOtherServices } from '../support/other-services.ts';
import { hiddenField, Visitor } from '../support/pages.ts';
import { attachedCard, putDefault } from '../support/past-due.ts';
import { type RecordingProxy, startRecordingProxy } from '../support/recording-proxy.ts';
import { grantedRights, rightsForTableCall } from '../support/rights.ts';
import { visitorOf } from '../support/session.ts';
import { answering, failing } from '../support/stripe-answers.ts';

/*
 * Runs each function's journeys through its own handler and records its calls to AWS on the wire. The rights
 * that these calls need must equal the rights of the function's role. A missing right fails only in
 * production, and an excess right never fails.
 */

/** Rights that our code does not use: Lambda itself sends failed events to a queue. */
const LAMBDAS_OWN = /^sqs:SendMessage /;
const PARAMETERS = '/rsolv-billing/test';
const WEBHOOK_SECRET = 'whsec_rights';

let money: Money;
let proxy: RecordingProxy;
/** The calls to services other than the table. */
let elsewhere: string[] = [];
beforeAll(async () => {
  const served = await serveMoney();
  money = served.money;
  proxy = await startRecordingProxy(inject('dynamodbEndpoint'));
  const { STRIPE_SECRET_KEY = '', STRIPE_PRO_PRICE_ID = '' } = money.env;
  const endpoint = await startOtherServices(PARAMETERS, (right) => elsewhere.push(right), {
    'stripe-secret-key': STRIPE_SECRET_KEY,
    'stripe-pro-price-id': STRIPE_PRO_PRICE_ID,
    'stripe-webhook-secrets': WEBHOOK_SECRET,
    probe: JSON.stringify({ leaving: [{ email: 'probe@rsolv.dev', since: '2026-01-01T00:00:00.000Z' }] }),
  });
  // A stage has these settings in parameters.
  delete process.env['STRIPE_SECRET_KEY'];
  delete process.env['STRIPE_PRO_PRICE_ID'];
  Object.assign(process.env, {
    DYNAMODB_ENDPOINT: proxy.endpoint,
    AWS_ENDPOINT_URL_SSM: endpoint.url,
    AWS_ENDPOINT_URL_SESV2: endpoint.url,
    AWS_ENDPOINT_URL_LAMBDA: endpoint.url,
    FUNCTION_PREFIX: 'rsolv-billing-test-',
    PROBE_PARAMETER: `${PARAMETERS}/probe`,
    STRIPE_SECRET_KEY_PARAMETER: `${PARAMETERS}/stripe-secret-key`,
    STRIPE_PRO_PRICE_ID_PARAMETER: `${PARAMETERS}/stripe-pro-price-id`,
    STRIPE_WEBHOOK_SECRETS_PARAMETER: `${PARAMETERS}/stripe-webhook-secrets`,
    NOTICE_SENDER: 'billing@rsolv.dev',
    APP_URL: 'https://app.rsolv.dev',
    API_URL: 'https://api.rsolv.dev',
    // So low that each call is added to the table, as every 50th call is on a stage.
    KEY_CALLS_PER_MINUTE: '100',
  });
  return async () => {
    endpoint.stop();
    proxy.close();
    await served.stop();
  };
});

/** A recorded function: called by its route, or invoked directly. */
interface Listened {
  readonly ask: (request?: Call) => Promise<Answer>;
  readonly invoke: (event?: unknown) => Promise<unknown>;
}

const ACTOR = { actor: 'tests', reason: 'rights' };

/** What each function does, including the paths that make other calls. */
const JOURNEYS: Readonly<Record<string, (of: Listened) => Promise<unknown>>> = {
  'onboard-customer': ({ ask }) => ask({ body: { name: 'Acme', email: uniqueEmail() } }),
  'record-fix-attempt': async ({ ask }) => ask({ ...(await signUp()), body: fixBody(1) }),
  'find-fix-attempt': async ({ ask }) => {
    const { apiKey } = await signUp();
    await recorded(apiKey, 1);
    await ask({ apiKey, query: { github_org: 'acme', repo_name: 'webshop', pr_number: '1' } });
  },
  'bill-fix-attempt': async ({ ask }) => {
    for (const { apiKey } of [await signUp(), await customerOutOfCredits(money)]) {
      await ask({ apiKey, params: await recorded(apiKey, 1) });
    }
    const poor = await signUp();
    await leaveCredits(money, poor.customerId, 0);
    await ask({ ...poor, params: await recorded(poor.apiKey, 1) });
  },
  'get-spending-limit': async ({ ask }) => ask({ ...(await signUp()) }),
  'change-spending-limit': async ({ ask }) => ask({ ...(await signUp()), body: { monthly_cents: 0 } }),
  'get-exposure': async ({ ask }) => ask({ ...(await signUp()) }),
  'add-payment-method': async ({ ask }) => {
    const { apiKey } = await signUp();
    for (const _ of ['first', 'second']) {
      await ask({ apiKey, body: { payment_method_id: await money.newCard(), billing_consent: true } });
    }
    const late = await lateCustomer();
    const body = { payment_method_id: await money.newCard(), billing_consent: true };
    expect((await ask({ ...late, body })).body).toMatchObject({ renewal: 'paid' });
  },
  'subscribe-to-pro': async ({ ask }) => {
    const { apiKey } = await customerOutOfCredits(money);
    await ask({ apiKey, body: { plan: 'pro' } });
    await cancel(apiKey);
    await ask({ apiKey, body: { plan: 'pro' } });
  },
  'cancel-subscription': async ({ ask }) => {
    const { apiKey } = await proCustomer(money);
    await ask({ apiKey });
    await ask({ apiKey, query: { at_period_end: 'false' } });
  },
  'stripe-webhook': async ({ ask }) => {
    for (const { customerId } of [await eventfulCustomer(), await lateCustomerWithNewCard()]) {
      for (const event of eventsAbout(money, customerId)) {
        const rawBody = JSON.stringify(event);
        const signed = { payload: rawBody, secret: WEBHOOK_SECRET };
        const signature = money.stripe.webhooks.generateTestHeaderString(signed);
        await ask({ rawBody, headers: { 'stripe-signature': signature } });
      }
    }
  },
  'settle-pending-charges': async ({ invoke }) => {
    await leaveOpen((await customerOutOfCredits(money)).customerId);
    await closeCustomer(money.deps, (await eventfulCustomer()).customerId);
    await completeCardSession((await lateCustomer()).customerId);
    await invoke({ older_than_seconds: 0 });
  },
  'warn-low-balances': async ({ invoke }) => {
    const { apiKey } = await signUp();
    for (const pr of [1, 2, 3, 4, 5]) await deployFix(apiKey, pr);
    await invoke();
  },
  probe: async ({ invoke }) => {
    vi.stubEnv('API_URL', process.env['AWS_ENDPOINT_URL_LAMBDA']);
    // The first run signs a customer up, and the second removes the one before.
    for (const _ of ['first', 'second']) {
      expect(await invoke()).toEqual({ outcome: 'passed', findings: [] });
    }
    vi.unstubAllEnvs();
  },
  reconcile: async ({ invoke }) => {
    await eventfulCustomer();
    await lateCustomerWithNewCard();
    // A recent change at Stripe may still be on its way to us, so the run must be later.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 60 * 60 * 1000, shouldAdvanceTime: true });
    await invoke({ run: 'rights' }).finally(() => vi.useRealTimers());
  },
  'deliver-notices': async ({ invoke }) => {
    const { customerId, apiKeyId } = await signUp();
    await invoke({ Records: [deliveryOf(keys.notice(customerId, 'key_issued', apiKeyId))] });
    const fix = await recordedFix(money.deps, customerId, 1);
    const blocked = fixBlocked(
      await headOf(money.deps, customerId),
      { id: fix, githubOrg: 'acme', repoName: 'webshop', prNumber: 1 },
      'no_billing_info',
      money.deps.now(),
    );
    await writeTogether(money.deps.table, [putNotice(blocked)]);
    await invoke({ Records: [deliveryOf(keys.notice(customerId, 'fix_blocked', blocked.id))] });
    const email = uniqueEmail();
    const { head } = await onboardCustomer(money.deps, { name: 'Acme', email, source: 'direct' });
    await requestSignIn(money.deps, { email, sourceIp: someIp() });
    const asked = (await allNoticesOf(money.deps.table, head.customerId)).find(
      ({ content }) => content.kind === 'sign_in',
    );
    await invoke({ Records: [deliveryOf(keys.notice(head.customerId, 'sign_in', asked?.id ?? ''))] });
  },
  'create-billing-link': async ({ ask }) => ask(await signUp()),
  'billing-sign-in': async ({ invoke }) => {
    const visitor = new Visitor(async (event) => PageAnswer.parse(await invoke(event)));
    const email = uniqueEmail();
    const { head } = await onboardCustomer(money.deps, { name: 'Acme', email, source: 'direct' });
    const { token } = await makeSignInLink(money.deps, head.customerId);
    await visitor.get('/billing/sign-in');
    await visitor.post('/billing/sign-in', { email });
    await visitor.get(`/billing/enter?link=${token}`);
    await visitor.post('/billing/enter', { link: token });
    const [, session = ''] = (visitor.cookies[0] ?? '').split('=');
    await visitor.post('/billing/sign-out', { form_token: formTokenOf(session) });
  },
  'billing-unsubscribe': async ({ invoke }) => {
    const visitor = new Visitor(async (event) => PageAnswer.parse(await invoke(event)));
    const { customerId } = await signUp();
    const { token, write } = newUnsubscribeLink(money.deps, customerId, 'low_balance');
    await writeTogether(money.deps.table, [write]);
    expect((await visitor.get(`/billing/unsubscribe?link=${token}`)).status).toBe(200);
    expect((await visitor.post(`/billing/unsubscribe?link=${token}`, {})).status).toBe(200);
  },
  'billing-page': async ({ invoke }) => {
    const { customerId } = await signUp();
    const visitor = await visitorOf(money.deps, customerId, async (event) =>
      PageAnswer.parse(await invoke(event)),
    );
    expect((await visitor.get('/billing')).status).toBe(200);
  },
  'billing-documents': async ({ invoke }) => {
    const { customerId } = await eventfulCustomer();
    const visitor = await visitorOf(money.deps, customerId, async (event) =>
      PageAnswer.parse(await invoke(event)),
    );
    for (const query of ['', '?list=disputes'])
      expect((await visitor.get(`/billing/documents${query}`)).status).toBe(200);
  },
  'billing-keys': async ({ invoke }) => {
    const { visitor, form_token } = await signedInVisitor(invoke);
    expect((await visitor.get('/billing/keys')).status).toBe(200);
    const created = await visitor.post('/billing/keys', { scope: 'fixes', form_token });
    expect(created.status).toBe(200);
  },
  'billing-settings': async ({ invoke }) => {
    const { visitor, form_token } = await signedInVisitor(invoke);
    const limited = await visitor.post('/billing/settings/limit', { limit: 'none', form_token });
    expect(limited.status).toBe(303);
  },
  'billing-address': async ({ invoke }) => {
    const { visitor, form_token, customerId } = await signedInVisitor(invoke);
    const email = uniqueEmail();
    expect((await visitor.post('/billing/address', { email, form_token })).status).toBe(303);
    const link = (await makeConfirmLink(money.deps, customerId, email)).token;
    expect((await visitor.post('/billing/confirm', { link })).status).toBe(303);
  },
  'billing-statement': async ({ invoke }) => {
    const { visitor } = await signedInVisitor(invoke);
    for (const path of ['statement', 'statement.csv', 'account.json'])
      expect((await visitor.get(`/billing/${path}`)).status).toBe(200);
  },
  'billing-card': async ({ invoke }) => {
    vi.stubEnv('API_URL', 'https://billing.test');
    const { customerId } = await customerOutOfCredits(money);
    const opened = async (id: string) => {
      const visitor = await visitorOf(money.deps, id, async (event) => PageAnswer.parse(await invoke(event)));
      const form_token = formTokenOf(sessionCookieOf(visitor.cookies) ?? '');
      return { visitor, form: { form_token } };
    };
    const newcomer = await opened((await signUp()).customerId);
    const { location = '' } = await newcomer.visitor.post('/billing/card', newcomer.form);
    const [session] = money.double.state.checkoutSessions.newestFirst;
    if (session === undefined) throw new Error(`no session at ${location}`);
    enterCard(money.double.scope(), session, { card: 'visa' });
    expect((await newcomer.visitor.get(`/billing/card/return?session=${session.id}`)).status).toBe(200);
    expect((await newcomer.visitor.get('/billing/card')).status).toBe(200);
    const { visitor, form } = await opened(customerId);
    await leaveWaiting(customerId);
    const page = await visitor.get('/billing/card/waiting');
    const fields = { fixes: hiddenField(page, 'fixes'), cents: hiddenField(page, 'cents') };
    expect((await visitor.post('/billing/card/waiting', { ...form, ...fields })).text).toContain(
      '1 fix billed',
    );
    await ensurePortalConfiguration(money.stripe);
    expect((await visitor.post('/billing/portal', form)).status).toBe(303);
    const link =
      (await letterLinkFor(money.deps, customerId, { kind: 'add_card' }, 'https://billing.test')) ?? '';
    const letter = hiddenField(await visitor.get(link), 'link');
    expect((await visitor.post('/billing/letter', { link: letter })).status).toBe(303);
    await visitor.get('/billing/card/remove');
    expect((await visitor.post('/billing/card/remove', form)).status).toBe(303);
    vi.unstubAllEnvs();
  },
  'billing-plan': async ({ invoke }) => {
    const send = async (customerId: string) => {
      const visitor = await visitorOf(money.deps, customerId, async (event) =>
        PageAnswer.parse(await invoke(event)),
      );
      const form_token = formTokenOf(sessionCookieOf(visitor.cookies) ?? '');
      const post = (path: string, fields: Record<string, string> = {}) =>
        visitor.post(`/billing/${path}`, { form_token, ...fields });
      return { visitor, post };
    };
    const asks = await customerOutOfCredits(money, 'pm_card_authenticationRequired');
    const { visitor, post } = await send(asks.customerId);
    const { id } = await recorded(asks.apiKey, 1);
    await billFixAttempt(money.deps, asks.customerId, id);
    await post('approve', { fix: id });
    expect((await post('plan/subscribe', { cents: '59900' })).status).toBe(303);
    await post('plan/cancel', { when: 'now' });
    await leaveCredits(money, asks.customerId, 1);
    await post('approve', { fix: id });
    const pro = await send((await proCustomer(money)).customerId);
    expect((await pro.post('plan/resume')).status).toBe(303);
    await visitor.get(`/billing/plan/return?customer=${asks.customerId}`);
    for (const path of ['plan', 'plan/cancel', 'approve', 'approve/script'])
      await visitor.get(`/billing/${path}`);
  },
  'get-usage': async ({ ask }) => ask(await signUp()),
  'list-transactions': async ({ ask }) => ask(await signUp()),
  'issue-api-key': async ({ ask }) => {
    const { apiKey, apiKeyId } = await signUp();
    await ask({ apiKey, body: { replaces: apiKeyId } });
  },
  'list-api-keys': async ({ ask }) => ask(await signUp()),
  'revoke-api-key': async ({ ask }) => {
    const { apiKey } = await signUp();
    const { body } = await call(api.issueApiKey, { apiKey });
    await ask({ apiKey, params: { id: String(body['id']) } });
  },
  'get-notice-settings': async ({ ask }) => ask(await signUp()),
  'change-notice-settings': async ({ ask }) =>
    ask({ ...(await signUp()), body: { turned_off: ['low_balance'] } }),
  'get-pricing': ({ ask }) => ask(),
  health: ({ ask }) => ask(),
  'get-openapi': ({ ask }) => ask(),
  'get-docs': ({ invoke }) => invoke(gatewayEvent({})),
  'get-root': ({ invoke }) => invoke(gatewayEvent({})),
  'adjust-credits': async ({ invoke }) => {
    const { customerId } = await signUp();
    await invoke({ customer_id: customerId, amount: 5, idempotency_key: 'k1', ...ACTOR });
  },
  'replay-event': async ({ invoke }) => {
    for (const { customerId } of [await eventfulCustomer(), await lateCustomerWithNewCard()])
      for (const { id } of eventsAbout(money, customerId)) await invoke({ event_id: id, actor: ACTOR.actor });
  },
  'close-customer': async ({ invoke }) => {
    const { customerId } = await customerOutOfCredits(money);
    await leaveOpen(customerId);
    // Before that, the order may still be in flight in the request that made it.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3 * 60 * 1000, shouldAdvanceTime: true });
    await invoke({ customer_id: customerId, ...ACTOR }).finally(() => vi.useRealTimers());
  },
  'issue-customer-key': async ({ invoke }) => {
    const { customerId } = await signUp();
    await invoke({ customer_id: customerId, ...ACTOR });
    await invoke({ customer_id: customerId, end_others: true, ...ACTOR });
  },
  'revoke-customer-key': async ({ invoke }) => {
    const { customerId, apiKey, apiKeyId } = await signUp();
    await call(api.issueApiKey, { apiKey });
    await invoke({ customer_id: customerId, key_id: apiKeyId, ...ACTOR });
  },
  'resend-notice': async ({ invoke }) => {
    const { customerId, apiKeyId } = await signUp();
    await invoke({ customer_id: customerId, notice: `key_issued#${apiKeyId}`, actor: ACTOR.actor });
  },
  'remove-test-customer': async ({ invoke }) => {
    const email = testCustomerEmail(money.deps.randomBytes(8));
    const { head } = await onboardCustomer(money.deps, { name: 'Smoke test', email, source: 'smoke' });
    // Created by a request that crashed before it stored the binding.
    await money.stripe.customers.create({ email, metadata: { customer_id: head.customerId } });
    await invoke({ email, actor: ACTOR.actor, await_events: false });
  },
};

/** Opens the pages of a function as a signed-in customer. */
async function signedInVisitor(invoke: (event: unknown) => Promise<unknown>) {
  const { customerId } = await signUp();
  const visitor = await visitorOf(money.deps, customerId, async (event) =>
    PageAnswer.parse(await invoke(event)),
  );
  const session = sessionCookieOf(visitor.cookies) ?? '';
  return { visitor, customerId, form_token: formTokenOf(session) };
}
/** A new notice, as the table's stream reports it. */
const deliveryOf = ({ pk, sk }: Key) => ({
  eventName: 'INSERT',
  dynamodb: { Keys: { pk: { S: pk }, sk: { S: sk } } },
});

/** A fix whose charge could not be sent, so that it waits for a person. */
async function leaveWaiting(customerId: string): Promise<void> {
  const refusing = await answering(money.deps, () => ({ chargeFix: failing('refused') }));
  await billFixAttempt(refusing, customerId, await recordedFix(money.deps, customerId, 9));
}

/** Leaves a fix charge and a Pro order open, without an answer from Stripe. */
async function leaveOpen(customerId: string): Promise<void> {
  const silent = await answering(money.deps, () => ({
    chargeFix: failing('transient'),
    findFixPayments: failing('transient'),
    subscribe: failing('transient'),
  }));
  const begin = [
    async () => billFixAttempt(silent, customerId, await recordedFix(money.deps, customerId, 7)),
    () => subscribeToPro(silent, customerId, null),
  ];
  for (const begun of begin) await expect(begun()).rejects.toMatchObject({ code: 'payment_pending' });
}

/** A month of Pro that was paid, partly refunded and disputed. None of its events are delivered. */
async function eventfulCustomer(): Promise<{ customerId: string }> {
  const { customerId } = await customerOutOfCredits(money);
  const { id } = atStripe(money, customerId);
  await money.stripe.subscriptions.create({ customer: id, items: [{ price: money.priceId }] });
  const charge = money.double.state.charges.newestFirst[0]?.id ?? '';
  await money.stripe.refunds.create({ charge, amount: 10_000 });
  await money.control(`charges/${charge}/dispute`);
  return { customerId };
}

/** A Pro customer whose newest period is not paid: the subscription's own card declines. */
async function lateCustomer(): Promise<SignedUp> {
  const customer = await proCustomer(money);
  const { id, subscriptions } = atStripe(money, customer.customerId);
  await money.stripe.subscriptions.update(subscriptions[0]?.id ?? '', {
    default_payment_method: await attachedCard(money, id, 'pm_card_chargeCustomerFail'),
    billing_cycle_anchor: { type: 'now' },
    proration_behavior: 'none',
  });
  const { head } = await syncAccount(money.deps, customer.customerId);
  expect(head.subscription?.state).toBe('past_due');
  return customer;
}

/** The customer has put another card on file at Stripe. None of the events are delivered. */
async function lateCustomerWithNewCard(): Promise<SignedUp> {
  const customer = await lateCustomer();
  const { id } = atStripe(money, customer.customerId);
  await putDefault(money, id, await attachedCard(money, id));
  return customer;
}

/** The customer has entered a card on Stripe's page, and nothing has put it on file yet. */
async function completeCardSession(customerId: string): Promise<void> {
  const click = { sourceIp: someIp(), userAgent: null, page: '/billing/card', linkId: null };
  await startCardSession(money.deps, customerId, click, 'https://billing.test');
  const [session] = money.double.state.checkoutSessions.newestFirst;
  if (session === undefined) throw new Error('no session');
  enterCard(money.double.scope(), session, { card: 'visa' });
  const broken = await answering(money.deps, () => ({ makeDefault: failing('indeterminate') }));
  await expect(finishCardSession(broken, customerId)).rejects.toMatchObject({ code: 'payments_unavailable' });
}

const PageAnswer = z.object({
  statusCode: z.number(),
  headers: z.record(z.string(), z.string()),
  cookies: z.optional(z.array(z.string())),
  body: z.string(),
});
const HttpAnswer = z.object({ statusCode: z.number(), body: z.string() });
const Lambda = z.object({ handler: z.custom<(event: unknown, context: unknown) => Promise<unknown>>() });
/** The answer of an operator's function, or of a stream reader, after a failure. */
const Failed = z.union([
  z.object({ ok: z.literal(false) }),
  z.object({ batchItemFailures: z.tuple([z.unknown()]) }),
]);

/**
 * The rights that a function uses during its journeys. Reloads the function, because it reads parameters only
 * once.
 */
async function takenBy(name: string): Promise<string[]> {
  const journeys = JOURNEYS[name];
  if (journeys === undefined)
    throw new Error(`${name} has no journeys here: how is its role known to be right?`);
  const taken = new Set<string>();
  vi.resetModules();
  const { handler } = Lambda.parse(await import(`../../functions/${name}.ts`));
  const listened = async (event: unknown): Promise<unknown> => {
    elsewhere = [];
    let answer: unknown;
    const calls = await proxy.record(async () => {
      answer = await handler(event, invocation());
    });
    for (const right of [...calls.flatMap(rightsForTableCall), ...elsewhere]) taken.add(right);
    expect(Failed.safeParse(answer).success, JSON.stringify(answer)).toBe(false);
    return answer;
  };
  await journeys({
    invoke: (event = {}) => listened(event),
    ask: async (request) => {
      const answer = await call(async (event) => HttpAnswer.parse(await listened(event)), request);
      expect(answer.status, answer.text).toBeLessThan(500);
      return answer;
    },
  });
  return [...taken].sort();
}

it.each([...grantedRights()])('%s needs exactly the rights that its role has', async (name, granted) => {
  const expected = granted.filter((right) => !LAMBDAS_OWN.test(right));
  expect(await takenBy(name)).toEqual(expected.toSorted());
});
