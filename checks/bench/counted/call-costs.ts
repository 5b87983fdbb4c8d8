import type { Handler } from '../../../lib/http/handler.ts';
import { recordFixAttempt } from '../../../lib/operations/fixes/record-fix-attempt.ts';
import { newFix, uniqueEmail } from '../../../test/support/fixtures.ts';
import type { Call } from '../../../test/support/gateway.ts';
import { customerWithCard } from '../../../test/support/money.ts';
import { customerWithFixes } from '../customers.ts';
import { succeed } from '../requests.ts';
import type { CallCost } from './results.ts';
import type { Scene } from './scene.ts';

/** Stays above every low-balance threshold, even after some fixes. */
const PLENTY = 20;
/** Customers are warned at 5 credits. */
const ABOVE_THRESHOLD = 6;

/** Counts what each call of a typical customer costs, as the requests leave the process. */
export async function measureCallCosts(scene: Scene, progress: (what: string) => void): Promise<CallCost[]> {
  const api = await functions();
  const { deps } = scene.money;
  const costs: CallCost[] = [];
  const measure = async (what: string, handler: Handler, call: Call) => {
    progress(`counting: ${what}`);
    costs.push({ what, cost: await scene.measured(() => succeed(handler, call)) });
  };

  const signUp = { body: { name: 'Acme', email: uniqueEmail() } };
  await measure('sign up', api.signUp, signUp);

  const { apiKey, fixes } = await customerWithFixes(deps, PLENTY);
  const [fix] = fixes;
  const query = { github_org: 'acme', repo_name: 'webshop', pr_number: '1' };
  // The first change of a day with a key also stores its day.
  await measure('record the first fix of a day', api.record, { apiKey, body: recording(PLENTY + 2) });
  await measure('record a fix', api.record, { apiKey, body: recording(PLENTY + 1) });
  await measure('record it again', api.record, { apiKey, body: recording(PLENTY + 1) });
  await measure('find a fix', api.find, { apiKey, query });
  const params = { id: fix?.id ?? '' };
  await measure('bill a fix from credits', api.bill, { apiKey, params });
  await measure('bill it again', api.bill, { apiKey, params });
  await measure('usage', api.usage, { apiKey });
  await measure('a page of the statement', api.statement, { apiKey });

  const becomesLow = await customerWithFixes(deps, ABOVE_THRESHOLD);
  const last = { id: becomesLow.fixes[0]?.id ?? '' };
  await measure('bill the fix that leaves 5 credits', api.bill, { apiKey: becomesLow.apiKey, params: last });
  progress('counting: warn a customer with a low balance');
  const warned = await scene.measured(() => api.warn());
  costs.push({ what: 'a run of the warnings, with one low balance', cost: warned });

  const payer = await customerWithCard(scene.money, 0);
  const { fix: unpaid } = await recordFixAttempt(deps, payer.customerId, newFix(1));
  await measure('bill a fix by card', api.bill, { apiKey: payer.apiKey, params: { id: unpaid.id } });
  await measure('webhook: a fix is paid', api.webhook, newest(scene, 'payment_intent.succeeded'));

  const delivery = await paidInvoice(scene);
  await measure('webhook: a Pro invoice is paid', api.webhook, delivery);
  await measure('webhook: the same again', api.webhook, delivery);
  return costs;
}

/** Imports the functions late, because they read the environment when they load. */
async function functions() {
  const [onboard, record, find, bill, usage, statement, webhook, warn] = await Promise.all([
    import('../../../functions/onboard-customer.ts'),
    import('../../../functions/record-fix-attempt.ts'),
    import('../../../functions/find-fix-attempt.ts'),
    import('../../../functions/bill-fix-attempt.ts'),
    import('../../../functions/get-usage.ts'),
    import('../../../functions/list-transactions.ts'),
    import('../../../functions/stripe-webhook.ts'),
    import('../../../functions/warn-low-balances.ts'),
  ]);
  return {
    signUp: onboard.handler,
    record: record.handler,
    find: find.handler,
    bill: bill.handler,
    usage: usage.handler,
    statement: statement.handler,
    webhook: webhook.handler,
    warn: warn.handler,
  };
}

const recording = (prNumber: number) => {
  const { githubOrg, repoName, prTitle, prUrl } = newFix(prNumber);
  return {
    github_org: githubOrg,
    repo_name: repoName,
    pr_number: prNumber,
    pr_title: prTitle,
    pr_url: prUrl,
  };
};

/** The event of the first paid invoice of a subscription that was created at Stripe. */
async function paidInvoice(scene: Scene): Promise<Call> {
  const { stripe, priceId } = scene.money;
  const { stripeCustomerId } = await customerWithCard(scene.money, 0);
  await stripe.subscriptions.create({ customer: stripeCustomerId, items: [{ price: priceId }] });
  return newest(scene, 'invoice.paid');
}

/** The signed delivery of Stripe's newest event of a type. */
function newest({ money, webhookSecret }: Scene, wanted: string): Call {
  const event = money.events().findLast(({ type }) => type === wanted);
  if (event === undefined) throw new Error(`no ${wanted}`);
  const rawBody = JSON.stringify(event);
  const signature = money.stripe.webhooks.generateTestHeaderString({
    payload: rawBody,
    secret: webhookSecret,
  });
  return { rawBody, headers: { 'stripe-signature': signature } };
}
