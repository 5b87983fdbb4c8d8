import * as z from 'zod/mini';
import { PLANS } from '../../lib/domain/plans.ts';
import { GRANTED_CREDITS } from '../../lib/domain/pricing.ts';
import type { ApiAnswer, ApiClient } from '../stage/api-client.ts';

/** Test cards of Stripe's that pay. They are the same cards for everybody, and a card brings its bonus once in a ledger. */
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

/** Who goes on the journey. */
export interface Traveller {
  readonly api: ApiClient;
  readonly email: string;
  readonly sleep: (ms: number) => Promise<void>;
  /** Of each entry that the ledger should have by now, the oldest first. */
  readonly entries: { source: string; amount: number }[];
  /** The service was asked to sign them up, and did not answer: whether there is a customer is not known. */
  signUpUnanswered: boolean;
  signedUp: boolean;
}

export interface Step {
  readonly id: string;
  readonly title: string;
  /** Answers what was seen. @throws StepFault saying what should have been */
  readonly run: (traveller: Traveller) => Promise<string>;
}

/** The service did not do what it should. */
export class StepFault extends Error {}

/** What must always work, from the sign-up to the end of Pro: 5 credits, 10, 9, 69. */
export const JOURNEY: readonly Step[] = [
  { id: 'sign-up', title: 'Sign up', run: signUp },
  { id: 'card', title: 'Add a card', run: addCard },
  { id: 'fix', title: 'Record and bill a fix', run: billFix },
  { id: 'pro', title: 'Subscribe to Pro', run: subscribe },
  { id: 'statement', title: 'Statement', run: checkStatement },
  { id: 'cancel', title: 'Cancel', run: cancel },
];

async function signUp(traveller: Traveller): Promise<string> {
  const { api, email, sleep } = traveller;
  const ask = () => api.post('/api/v1/customers/onboard', { name: 'Smoke test', email, source: 'smoke' });
  traveller.signUpUnanswered = true;
  let answer = await ask();
  if (answer.status === TOO_MANY) {
    await sleep(answer.retryAfterSeconds * 1_000);
    answer = await ask();
  }
  traveller.signUpUnanswered = false;
  expectAnswer(answer, 201);
  traveller.signedUp = true;
  api.apiKey = answer.text('api_key');
  return posted(traveller, 'trial_signup', GRANTED_CREDITS.trial);
}

async function addCard(traveller: Traveller): Promise<string> {
  const bonus = GRANTED_CREDITS.firstPaymentMethod;
  for (const card of TEST_CARDS) {
    const answer = await traveller.api.post('/api/v1/payment-method', {
      payment_method_id: `pm_card_${card}`,
      billing_consent: true,
    });
    expectAnswer(answer, 200, { has_payment_method: true, subscription_type: 'pay_as_you_go' });
    if (answer.field('bonus_credits') === bonus) {
      return `${await posted(traveller, 'trial_billing_added', bonus)} (${card})`;
    }
  }
  const credits = await expectBalance(traveller);
  return `${credits}; no bonus, for every one of the ${TEST_CARDS.length} test cards has brought its bonus on this stage`;
}

async function billFix(traveller: Traveller): Promise<string> {
  const recorded = await traveller.api.post('/api/v1/fix-attempts', {
    github_org: 'rsolv-dev',
    repo_name: 'smoke',
    pr_number: 1,
    pr_title: 'Smoke test',
    pr_url: 'https://github.com/rsolv-dev/smoke/pull/1',
  });
  expectAnswer(recorded, 201, { billing_status: 'not_billed' });
  const billed = await traveller.api.post(`/api/v1/fix-attempts/${recorded.text('id')}/billing`);
  expectAnswer(billed, 200, { billing_status: 'billed', outcome: 'credit_consumed' });
  return posted(traveller, 'fix_deployed', -1);
}

async function subscribe(traveller: Traveller): Promise<string> {
  const answer = await traveller.api.post('/api/v1/subscription', { plan: 'pro' });
  expectAnswer(answer, 201, { subscription_type: 'pro', subscription_state: 'active' });
  return posted(traveller, 'pro_subscription_payment', PLANS.pro.sold.credits);
}

async function checkStatement(traveller: Traveller): Promise<string> {
  const found = await traveller.api.statement();
  let balance = 0;
  const wanted = traveller.entries.map(({ source, amount }) => {
    balance += amount;
    return inWords({ source, amount, balance_after: balance });
  });
  const is = found.map(inWords);
  if (is.join('; ') === wanted.join('; ')) return `${found.length} entries, which lead to ${balance}`;
  throw new StepFault(`it should say ${wanted.join(', ')}; it says ${is.join(', ')}`);
}

const inWords = (entry: { source: string; amount: number; balance_after: number }): string =>
  `${entry.source} ${entry.amount} → ${entry.balance_after}`;

/** At once, so that Stripe does not charge for another month should nothing be cleaned up. */
async function cancel(traveller: Traveller): Promise<string> {
  const answer = await traveller.api.delete('/api/v1/subscription?at_period_end=false');
  expectAnswer(answer, 200, { subscription_type: 'pay_as_you_go', subscription_state: 'canceled' });
  return `${await expectBalance(traveller)}, which stay`;
}

/** The ledger should have one more entry, and the balance say so. */
async function posted(traveller: Traveller, source: string, amount: number): Promise<string> {
  traveller.entries.push({ source, amount });
  return expectBalance(traveller);
}

const Usage = z.object({ credit_balance: z.number() });

async function expectBalance({ api, entries }: Traveller): Promise<string> {
  const wanted = entries.reduce((sum, { amount }) => sum + amount, 0);
  const { credit_balance: balance } = (await api.get('/api/v1/usage')).as(Usage);
  if (balance === wanted) return `${balance} credits`;
  throw new StepFault(`the balance should be ${wanted}, it is ${balance}`);
}

/** @throws StepFault */
function expectAnswer(answer: ApiAnswer, status: number, says: Readonly<Record<string, unknown>> = {}): void {
  if (answer.status !== status) {
    const why = [answer.field('code'), answer.field('detail')].filter((one) => one !== undefined).join(': ');
    throw new StepFault(`${answer.call} should answer ${status}, it answered ${answer.status} ${why}`);
  }
  for (const [name, value] of Object.entries(says)) {
    if (answer.field(name) !== value) {
      throw new StepFault(
        `${answer.call}: ${name} should be ${String(value)}, it is ${String(answer.field(name))}`,
      );
    }
  }
}
