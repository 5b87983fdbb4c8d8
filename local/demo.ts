import { randomBytes } from 'node:crypto';
import { parseArgs, styleText } from 'node:util';
import { type ApiAnswer, ApiClient, isOurs } from './api-client.ts';
import { showProgress } from './progress.ts';
import { readSettings } from './settings.ts';
import { reasonOf, SetupError } from './setup-error.ts';
import { startStack } from './stack.ts';

const USAGE = `The journey of one customer, each step with its call, the balance before and after, and the ledger entry.

  npm run demo           against the stack that runs on PORT (default 4000), or one it starts itself
  npm run demo -- --url https://…   against another one, but never a live stage: it signs a customer up

Exit code 0 when every step did what it should, 1 when one did not.`;

const TRIAL_CREDITS = 5;
const colour = (style: Parameters<typeof styleText>[0], text: string) =>
  styleText(style, text, { stream: process.stdout });

/** A step of the journey: what is done, and what must be seen. */
interface Step {
  readonly what: string;
  readonly run: () => Promise<ApiAnswer>;
  readonly status: number;
  readonly balance: number;
  /** Facts that the answer must state, by name. */
  readonly says?: Readonly<Record<string, unknown>>;
}

process.exitCode = await main();

async function main(): Promise<0 | 1> {
  try {
    const { values } = parseArgs({
      options: { url: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    });
    if (values.help) {
      console.log(USAGE);
      return 0;
    }
    if (values.url !== undefined) return await journey(values.url.replace(/\/$/, ''));
    const settings = readSettings(process.env);
    const url = `http://localhost:${settings.port}`;
    if (await isOurs(url)) return await journey(url);

    const progress = showProgress(process.stderr);
    const stack = await startStack(settings, { onStep: progress.step }).finally(progress.end);
    return await journey(url).finally(() => stack.stop());
  } catch (error) {
    if (!(error instanceof SetupError || error instanceof TypeError)) throw error;
    console.error(reasonOf(error));
    return 1;
  }
}

async function journey(url: string): Promise<0 | 1> {
  console.log(`\nThe journey of a customer at ${url}\n`);
  const api = new ApiClient(url);
  const email = `demo-${randomBytes(4).toString('hex')}@rsolv.example`;
  const signUp = { name: 'Journey', email, source: 'direct' };
  const fix = (prNumber: number) => ({
    github_org: 'acme',
    repo_name: 'webshop',
    pr_number: prNumber,
    pr_title: `Fix vulnerability ${prNumber}`,
    pr_url: `https://github.com/acme/webshop/pull/${prNumber}`,
  });
  const record = (prNumber: number) => api.post('/api/v1/fix-attempts', fix(prNumber));
  const bill = async (prNumber: number) => {
    const id = (await record(prNumber)).text('id');
    return api.post(`/api/v1/fix-attempts/${id}/billing`);
  };
  const oldKey = { id: '', key: '' };

  const steps: Step[] = [
    {
      what: 'Sign up: the trial grants five credits',
      run: async () => {
        const answer = await api.post('/api/v1/customers/onboard', signUp);
        api.apiKey = answer.text('api_key');
        oldKey.id = answer.text('api_key_id');
        oldKey.key = api.apiKey;
        return answer;
      },
      status: 201,
      balance: TRIAL_CREDITS,
    },
    {
      what: 'The same address again, in capitals: taken',
      run: () => api.post('/api/v1/customers/onboard', { ...signUp, email: email.toUpperCase() }),
      status: 409,
      balance: 5,
      says: { code: 'email_taken' },
    },
    {
      what: 'RSOLV-action opens a pull request',
      run: () => record(1),
      status: 201,
      balance: 5,
      says: { status: 'pending', billing_status: 'not_billed' },
    },
    { what: 'The same pull request again: the stored one', run: () => record(1), status: 200, balance: 5 },
    {
      what: 'Looked up by its pull request',
      run: () => api.get('/api/v1/fix-attempts?github_org=acme&repo_name=webshop&pr_number=1'),
      status: 200,
      balance: 5,
    },
    {
      what: 'Merged: the fix costs one credit',
      run: () => bill(1),
      status: 200,
      balance: 4,
      says: { message: 'Billed', outcome: 'credit_consumed' },
    },
    {
      what: 'Reported ten times more, at once: nothing happens',
      run: async () => {
        const answers = await Promise.all(Array.from({ length: 10 }, () => bill(1)));
        return answers.find((answer) => answer.field('message') !== 'Already billed') ?? api.last(answers);
      },
      status: 200,
      balance: 4,
      says: { message: 'Already billed' },
    },
    {
      what: 'Two fixes merged at the same time',
      run: async () => api.last(await Promise.all([bill(2), bill(3)])),
      status: 200,
      balance: 2,
    },
    {
      what: 'An action that does not know its repository: told what to send',
      run: () =>
        api.post('/api/v1/fix-attempts', { github_org: 'unknown', repo_name: 'unknown', pr_number: 0 }),
      status: 422,
      balance: 2,
      says: { code: 'invalid_request' },
    },
    {
      what: 'A second API key',
      run: async () => {
        const answer = await api.post('/api/v1/api-keys');
        api.apiKey = answer.text('api_key');
        return answer;
      },
      status: 201,
      balance: 2,
    },
    {
      what: 'The first key is revoked with it',
      run: () => api.delete(`/api/v1/api-keys/${oldKey.id}`),
      status: 200,
      balance: 2,
    },
    {
      what: 'The first key stopped working',
      run: () => api.get('/api/v1/usage', oldKey.key),
      status: 401,
      balance: 2,
      says: { code: 'invalid_api_key' },
    },
    {
      what: 'The last two credits',
      run: async () => api.last([await bill(4), await bill(5)]),
      status: 200,
      balance: 0,
      says: { credit_balance: 0 },
    },
    {
      what: 'No credits, no card: blocked, and nothing is owed',
      run: () => bill(6),
      status: 402,
      balance: 0,
      says: { code: 'no_billing_info' },
    },
  ];

  let before = 0;
  let failures = 0;
  for (const [index, step] of steps.entries()) {
    const answer = await step.run();
    const { balance, entry } = await api.account();
    const faults = faultsOf(step, answer, balance);
    failures += faults.length > 0 ? 1 : 0;
    print(index + 1, step, answer, before, balance, entry, faults);
    before = balance;
  }
  const sound = await api.statementAddsUp();
  console.log(
    sound ? 'The statement adds up to the balance.' : colour('red', 'The statement does not add up.'),
  );
  const held = failures === 0 && sound;
  const verdict = held
    ? `All ${steps.length} steps held.`
    : `${failures} of ${steps.length} steps did not hold.`;
  console.log(colour(held ? 'green' : 'red', verdict));
  return held ? 0 : 1;
}

function faultsOf({ status, balance, says = {} }: Step, answer: ApiAnswer, balanceNow: number): string[] {
  const faults = Object.entries(says)
    .filter(([name, value]) => answer.field(name) !== value)
    .map(([name, value]) => `${name} should be ${String(value)}, it is ${String(answer.field(name))}`);
  if (answer.status !== status) faults.unshift(`the answer should be ${status}: ${answer.body}`);
  if (balanceNow !== balance) faults.push(`the balance should be ${balance}`);
  return faults;
}

function print(
  number: number,
  { what }: Step,
  answer: ApiAnswer,
  before: number,
  after: number,
  entry: string,
  faults: readonly string[],
): void {
  const mark = faults.length === 0 ? colour('green', '✓') : colour('red', '✗');
  const moved = before === after ? colour('dim', `${after}`) : colour('bold', `${before} → ${after}`);
  console.log(`${mark} ${String(number).padStart(2)}. ${colour('bold', what)}`);
  console.log(`      ${colour('cyan', answer.call)} ${colour('dim', '→')} ${answer.status}`);
  console.log(`      credits ${moved}   ${colour('dim', 'newest entry')} ${entry}`);
  for (const fault of faults) console.log(colour('red', `      ${fault}`));
}
