import * as z from 'zod/mini';
import { GRANTED_CREDITS } from '../../lib/domain/pricing.ts';
import type { ApiAnswer, ApiClient } from '../stage/api-client.ts';

/**
 * Stripe's test cards that pay. All customers of a stage share them, and each card earns its bonus once per
 * table.
 */
const TEST_CARDS = [
  'visa',
  'mastercard',
  'amex',
  'discover',
  'diners',
  'jcb',
  'unionpay',
  'visa_debit',
  'mastercard_debit',
  'mastercard_prepaid',
] as const;

const TOO_MANY = 429;

/** The customer that the smoke test signs up. */
export interface SmokeCustomer {
  readonly api: ApiClient;
  readonly email: string;
  readonly sleep: (ms: number) => Promise<void>;
  /** Every entry that the ledger should have now, oldest first. */
  readonly entries: { source: string; amount: number }[];
  /** The sign-up was sent and not answered, so the customer may or may not exist. */
  signUpUnanswered: boolean;
  signedUp: boolean;
}

export interface Step {
  readonly id: string;
  readonly title: string;
  /** Returns the observed result. @throws StepFault with the expected and the observed result */
  readonly run: (customer: SmokeCustomer) => Promise<string>;
}

/** The service did something other than expected. */
export class StepFault extends Error {}

/**
 * The journey that must always work, from the sign-up to the end of Pro. Credits: 5, 10, 9, and 69 if
 * Pro grants 60.
 */
export const JOURNEY: readonly Step[] = [
  { id: 'sign-up', title: 'Sign up', run: signUp },
  { id: 'card', title: 'Add a card', run: addCard },
  { id: 'fix', title: 'Record and bill a fix', run: billFix },
  { id: 'pro', title: 'Subscribe to Pro', run: subscribe },
  { id: 'statement', title: 'Statement', run: checkStatement },
  { id: 'cancel', title: 'Cancel', run: cancel },
];

async function signUp(customer: SmokeCustomer): Promise<string> {
  const { api, email, sleep } = customer;
  const send = () => api.post('/api/v1/customers/onboard', { name: 'Smoke test', email, source: 'smoke' });
  customer.signUpUnanswered = true;
  let answer = await send();
  if (answer.status === TOO_MANY) {
    await sleep(answer.retryAfterSeconds * 1_000);
    answer = await send();
  }
  customer.signUpUnanswered = false;
  expectAnswer(answer, 201);
  customer.signedUp = true;
  api.apiKey = answer.text('api_key');
  return expectEntry(customer, 'trial_signup', GRANTED_CREDITS.trial);
}

async function addCard(customer: SmokeCustomer): Promise<string> {
  const bonus = GRANTED_CREDITS.firstPaymentMethod;
  for (const card of TEST_CARDS) {
    const answer = await customer.api.post('/api/v1/payment-method', {
      payment_method_id: `pm_card_${card}`,
      billing_consent: true,
    });
    expectAnswer(answer, 200, { has_payment_method: true, subscription_type: 'pay_as_you_go' });
    if (answer.field('bonus_credits') === bonus) {
      return `${await expectEntry(customer, 'trial_billing_added', bonus)} (${card})`;
    }
  }
  const credits = await expectBalance(customer);
  return `${credits}; no bonus, because all ${TEST_CARDS.length} test cards have earned theirs on this stage`;
}

async function billFix(customer: SmokeCustomer): Promise<string> {
  const recorded = await customer.api.post('/api/v1/fix-attempts', {
    github_org: 'rsolv-dev',
    repo_name: 'smoke',
    pr_number: 1,
    pr_title: 'Smoke test',
    pr_url: 'https://github.com/rsolv-dev/smoke/pull/1',
  });
  expectAnswer(recorded, 201, { billing_status: 'not_billed' });
  const billed = await customer.api.post(`/api/v1/fix-attempts/${recorded.text('id')}/billing`);
  expectAnswer(billed, 200, { billing_status: 'billed', outcome: 'credit_consumed' });
  return expectEntry(customer, 'fix_deployed', -1);
}

const PriceList = z.object({ plans: z.array(z.object({ plan: z.string(), credits: z.number() })) });

/** Pro grants the credits that the price list shows. */
async function subscribe(customer: SmokeCustomer): Promise<string> {
  const { plans } = (await customer.api.get('/api/v1/pricing')).as(PriceList);
  const pro = plans.find(({ plan }) => plan === 'pro');
  if (pro === undefined) throw new StepFault('expected the plan pro in GET /api/v1/pricing; it is missing');
  const answer = await customer.api.post('/api/v1/subscription', { plan: 'pro' });
  expectAnswer(answer, 201, { subscription_type: 'pro', subscription_state: 'active' });
  return expectEntry(customer, 'pro_subscription_payment', pro.credits);
}

async function checkStatement(customer: SmokeCustomer): Promise<string> {
  const statement = await customer.api.statement();
  let balance = 0;
  const expected = customer.entries.map(({ source, amount }) => {
    balance += amount;
    return entryText({ source, amount, balance_after: balance });
  });
  const actual = statement.map(entryText);
  if (actual.join('; ') === expected.join('; ')) return `${statement.length} entries, balance ${balance}`;
  throw new StepFault(`expected ${expected.join(', ')}; got ${actual.join(', ')}`);
}

const entryText = (entry: { source: string; amount: number; balance_after: number }): string =>
  `${entry.source} ${entry.amount} → ${entry.balance_after}`;

/** Cancels immediately, so that Stripe never charges a second month, even if the cleanup fails. */
async function cancel(customer: SmokeCustomer): Promise<string> {
  const answer = await customer.api.delete('/api/v1/subscription?at_period_end=false');
  expectAnswer(answer, 200, { subscription_type: 'pay_as_you_go', subscription_state: 'canceled' });
  return `${await expectBalance(customer)} kept`;
}

/** Expects one more entry in the ledger, and the balance after it. */
async function expectEntry(customer: SmokeCustomer, source: string, amount: number): Promise<string> {
  customer.entries.push({ source, amount });
  return expectBalance(customer);
}

const Usage = z.object({ credit_balance: z.number() });

async function expectBalance({ api, entries }: SmokeCustomer): Promise<string> {
  const expected = entries.reduce((sum, { amount }) => sum + amount, 0);
  const { credit_balance: balance } = (await api.get('/api/v1/usage')).as(Usage);
  if (balance === expected) return `${balance} credits`;
  throw new StepFault(`expected a balance of ${expected}, got ${balance}`);
}

/** @throws StepFault */
function expectAnswer(
  answer: ApiAnswer,
  status: number,
  fields: Readonly<Record<string, unknown>> = {},
): void {
  if (answer.status !== status) {
    const problem = [answer.field('code'), answer.field('detail')]
      .filter((one) => one !== undefined)
      .join(': ');
    throw new StepFault(`${answer.call}: expected ${status}, got ${answer.status} ${problem}`);
  }
  for (const [name, value] of Object.entries(fields)) {
    if (answer.field(name) !== value) {
      throw new StepFault(
        `${answer.call}: expected ${name} ${String(value)}, got ${String(answer.field(name))}`,
      );
    }
  }
}
