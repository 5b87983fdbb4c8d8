import { localDeps } from '../../cli/stage/local-deps.ts';
import { runningStack } from '../../cli/stage/running.ts';
import { readServerlessFile } from '../../cli/stage/serverless-file.ts';
import type { Posting } from '../../lib/domain/ledger.ts';
import { monthAfter } from '../../lib/domain/statement/months.ts';
import { makeSignInLink } from '../../lib/operations/access/sign-in.ts';
import { onboardCustomer } from '../../lib/operations/accounts/onboard-customer.ts';
import { billFixAttempt } from '../../lib/operations/fixes/bill-fix-attempt.ts';
import { recordFixAttempt } from '../../lib/operations/fixes/record-fix-attempt.ts';
import type { PaymentDeps } from '../../lib/runtime/deps.ts';
import { keys } from '../../lib/store/keys.ts';
import { byCard, byCredit, granted, writeLedger } from '../../test/support/dated-ledger.ts';
import { newFix, uniqueEmail } from '../../test/support/fixtures.ts';
import { putAll } from '../../test/support/history.ts';
import { type RunningStack, useTestCredentials } from '../../test/support/running-stack.ts';
import { setHead } from '../../test/support/set-head.ts';
import type { Looker } from './look.ts';

/* The pages that show an account: a new one, and one with a year behind it. */

/** Looks at the overview and the statement of both accounts. */
export async function lookAtAccounts(looker: Looker, stack: RunningStack): Promise<void> {
  useTestCredentials();
  const { endpoint, stripe } = runningStack(stack.port);
  const deps = localDeps(endpoint, readServerlessFile().tableName, stripe);
  const now = new Date().toISOString().slice(0, 7);
  await lookAt(looker, stack, deps, await newAccount(deps), 'new', ['', '/statement']);
  const months = [now, monthAfter(now, -1), monthAfter(now, -20)];
  const statements = months.map((month) => `/statement?month=${month}`);
  await lookAt(looker, stack, deps, await accountWithHistory(deps, now), 'used', ['', ...statements]);
}

async function lookAt(
  looker: Looker,
  { url }: RunningStack,
  deps: PaymentDeps,
  customerId: string,
  name: string,
  paths: readonly string[],
): Promise<void> {
  const page = await looker.open(390);
  const { token } = await makeSignInLink(deps, customerId);
  await page.goto(`${url}/billing/enter?link=${token}`);
  await page.getByRole('button', { name: 'Go to the billing page' }).click();
  await page.getByRole('heading', { name: 'Your account' }).waitFor();
  for (const [i, path] of paths.entries()) {
    await page.goto(`${url}/billing${path}`);
    await looker.checkEverywhere(page, `billing-${name}-${i}${path.replaceAll(/\W.*/g, '')}`);
  }
  await page.context().close();
}

async function newAccount(deps: PaymentDeps): Promise<string> {
  const signUp = { name: 'Grace Hopper', email: uniqueEmail(), source: 'direct' } as const;
  return (await onboardCustomer(deps, signUp)).head.customerId;
}

/** A year of fixes, by credits and by card, Pro for some months, and fixes that are open or blocked now. */
async function accountWithHistory(deps: PaymentDeps, now: string): Promise<string> {
  const name = `${'Long Name of a Company '.repeat(4)}& Söhne`;
  const { head } = await onboardCustomer(deps, { name, email: uniqueEmail(), source: 'direct' });
  const { customerId } = head;
  let pr = 0;
  const repos = ['webshop', 'api', 'a-repository-with-quite-a-long-name.github.io'];
  const pull = () => ({ githubOrg: 'acme', repoName: repos[pr++ % repos.length] ?? 'api', prNumber: pr });
  const changes: (readonly [string, readonly Posting[]])[] = [];
  for (let n = 11; n >= 0; n--) {
    const month = monthAfter(now, -n);
    const at = (day: number) => `${month}-${String(day).padStart(2, '0')}T09:30:00.000Z`;
    if (n === 11) changes.push([`${month}-01T08:00:00.000Z`, granted(10)]);
    if (n === 2 || n === 1) changes.push([`${month}-01T09:00:00.000Z`, pro(n * 15)]);
    const days = n === 0 ? 1 : 24;
    for (let day = 1; day <= days; day++) {
      const { length } = changes.flatMap(([, postings]) => postings);
      const balance = balanceOf(changes);
      if (length > 0) changes.push([at(day), balance > 0 ? byCredit(pull()) : byCard(pull())]);
    }
  }
  await writeLedger(deps, customerId, changes);
  const spent = Array.from({ length: 11 }, (_, n) => ({
    ...keys.spending(customerId, monthAfter(now, -n)),
    ...{ limit_cents: 290_000, spent_cents: n === 1 ? 0 : 179_700 - n * 14_500 },
    committed_cents: n === 1 ? 0 : 182_600 - n * 14_500,
  }));
  await putAll(deps.table, spent);
  for (let n = 1; n <= 7; n++) {
    const { fix } = await recordFixAttempt(deps, customerId, newFix(n));
    if (n <= 3) await billFixAttempt(deps, customerId, fix.id);
  }
  await setHead(deps.table, customerId, 'debt', 2);
  await setHead(deps.table, customerId, 'open_disputes', ['dp_1']);
  return customerId;
}

const pro = (amount: number): readonly Posting[] => [
  { amount, source: 'pro_subscription_payment', metadata: { invoice_id: 'in_1' } },
];

const balanceOf = (changes: readonly (readonly [string, readonly Posting[]])[]): number =>
  changes.flatMap(([, postings]) => postings).reduce((sum, { amount }) => sum + amount, 0);
