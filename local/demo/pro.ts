import { setTimeout as delay } from 'node:timers/promises';
import { ApiAnswer } from '../../cli/stage/api-client.ts';
import { FIX_PRICE_CENTS } from '../../lib/domain/plans.ts';
import type { Customer } from './customer.ts';
import type { Step } from './step.ts';
import type { DoubleControls } from './stripe-double.ts';

/** Stripe's test cards. Each earns its bonus once per table, so the demo tries one after the other. */
const TEST_CARDS = ['visa', 'mastercard', 'amex', 'discover', 'diners', 'jcb', 'unionpay', 'visa_debit'];

const WEBHOOK_WITHIN_MS = 20_000;
const POLL_EVERY_MS = 100;
const A_MINUTE_SECONDS = 60;

const SUBSCRIPTION = '/api/v1/subscription';
const ENDED = { subscription_type: 'pay_as_you_go', subscription_state: 'canceled' };
const charged = (rate: keyof typeof FIX_PRICE_CENTS) => ({
  outcome: 'charged_and_consumed',
  amount_cents: FIX_PRICE_CENTS[rate],
});

/** A card, Pro, and the rates of fixes. Without the double's controls, the end of the period is skipped. */
export function proSteps(customer: Customer, double: DoubleControls | null): Step[] {
  const { api } = customer;
  const subscribe = () => api.post(SUBSCRIPTION, { plan: 'pro' });
  const billOne = (title: string, rate: keyof typeof FIX_PRICE_CENTS): Step => ({
    title,
    run: () => customer.billNext(),
    status: 200,
    balance: 0,
    fields: charged(rate),
  });
  const spend = (credits: number): Step => ({
    title: `${credits} fixes, one credit each`,
    run: () => customer.billMany(credits),
    status: 200,
    balance: 0,
    fields: { outcome: 'credit_consumed' },
  });
  const left = double === null ? 0 : 60;

  return [
    { title: 'Sign up: five credits', run: () => customer.signUp(), status: 201, balance: 5 },
    {
      title: 'The first card on file earns five more credits',
      run: () => addCard(customer, double),
      status: 200,
      balance: 10,
      fields: { bonus_credits: 5, subscription_type: 'pay_as_you_go' },
    },
    {
      title: 'A fix costs one credit',
      run: () => customer.billNext(),
      status: 200,
      balance: 9,
      fields: { outcome: 'credit_consumed' },
    },
    {
      title: 'Subscribe to Pro: $599.00, and 60 credits',
      run: subscribe,
      status: 201,
      balance: 69,
      fields: { subscription_type: 'pro', subscription_state: 'active' },
    },
    spend(69),
    billOne('No credits left, on Pro: the fix is charged $15.00', 'pro'),
    {
      title: 'Cancel at the end of the period: Pro until then',
      run: () => api.delete(`${SUBSCRIPTION}?at_period_end=true`),
      status: 200,
      balance: 0,
      fields: { subscription_type: 'pro', cancel_at_period_end: true },
    },
    billOne('Until then a fix is still $15.00', 'pro'),
    ...(double === null ? [] : afterThePeriod(customer, double, { subscribe, billOne })),
    {
      title: left > 0 ? 'Cancel now: the credits are kept' : 'Cancel now',
      run: () => api.delete(`${SUBSCRIPTION}?at_period_end=false`),
      status: 200,
      balance: left,
      fields: ENDED,
    },
    ...(left > 0 ? [spend(left)] : []),
    billOne('The rate is $29.00, without Pro', 'pay_as_you_go'),
    {
      title: 'Subscribe again: 60 credits',
      run: subscribe,
      status: 201,
      balance: 60,
      fields: { subscription_type: 'pro', subscription_state: 'active', cancel_at_period_end: false },
    },
  ];
}

interface ProActions {
  readonly subscribe: () => Promise<ApiAnswer>;
  readonly billOne: (title: string, rate: keyof typeof FIX_PRICE_CENTS) => Step;
}

function afterThePeriod(
  customer: Customer,
  double: DoubleControls,
  { subscribe, billOne }: ProActions,
): Step[] {
  return [
    {
      title: "The period ends: Stripe's clock moves past it, and a webhook arrives",
      run: () => endThePeriod(customer, double),
      status: 200,
      balance: 0,
      fields: ENDED,
    },
    billOne('From then on a fix is $29.00', 'pay_as_you_go'),
    {
      title: 'Subscribe again: 60 credits',
      run: subscribe,
      status: 201,
      balance: 60,
      fields: { subscription_type: 'pro', subscription_state: 'active' },
    },
  ];
}

/** Adds a card that still earns the bonus. The double creates a new card. */
async function addCard({ api }: Customer, double: DoubleControls | null): Promise<ApiAnswer> {
  const cards = double === null ? TEST_CARDS.map((name) => `pm_card_${name}`) : [await double.newCard()];
  const answers: ApiAnswer[] = [];
  for (const card of cards) {
    const answer = await api.post('/api/v1/payment-method', {
      payment_method_id: card,
      billing_consent: true,
    });
    answers.push(answer);
    if (answer.field('bonus_credits') !== 0) break;
  }
  return api.last(answers);
}

async function endThePeriod({ api }: Customer, double: DoubleControls): Promise<ApiAnswer> {
  const end = (await api.get('/api/v1/usage')).text('current_period_end');
  await double.moveClockTo(Math.ceil(Date.parse(end) / 1_000) + A_MINUTE_SECONDS);
  const usage = await pollUntil(customerUsage(api), 'subscription_state', ENDED.subscription_state);
  return new ApiAnswer('POST /_double/clock, GET /api/v1/usage', usage.status, usage.body);
}

const customerUsage = (api: Customer['api']) => () => api.get('/api/v1/usage');

/**
 * Polls until a field has a value, because a webhook takes a moment. After a timeout, returns the last
 * answer.
 */
async function pollUntil(get: () => Promise<ApiAnswer>, name: string, value: unknown): Promise<ApiAnswer> {
  const deadline = performance.now() + WEBHOOK_WITHIN_MS;
  for (;;) {
    const answer = await get();
    if (answer.field(name) === value || performance.now() > deadline) return answer;
    await delay(POLL_EVERY_MS);
  }
}
