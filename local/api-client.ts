import * as z from 'zod/mini';
import { SetupError } from './setup-error.ts';

const TIMEOUT_MS = 30_000;

const Health = z.object({ status: z.literal('ok'), stage: z.string() });
const Statement = z.object({
  transactions: z.array(
    z.object({ id: z.string(), amount: z.number(), balance_after: z.number(), source: z.string() }),
  ),
});
const Balance = z.object({ credit_balance: z.number() });

/** Whether a stack of this service answers here. */
export async function isOurs(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    return Health.safeParse(await response.json()).success;
  } catch {
    return false;
  }
}

/** What a call was answered, with the call as people write it. */
export class ApiAnswer {
  readonly call: string;
  readonly status: number;
  readonly body: string;
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor(call: string, status: number, body: string) {
    this.call = call;
    this.status = status;
    this.body = body;
    this.#fields = z.record(z.string(), z.unknown()).parse(JSON.parse(body));
  }

  field(name: string): unknown {
    return this.#fields[name];
  }

  /** @throws SetupError with the answer when it has no such text: the journey cannot go on without it */
  text(name: string): string {
    const value = this.#fields[name];
    if (typeof value !== 'string') throw new SetupError(`${this.call} answered ${this.status}: ${this.body}`);
    return value;
  }
}

/** A customer's view of the API. */
export class ApiClient {
  apiKey = '';
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  get = (path: string, apiKey = this.apiKey): Promise<ApiAnswer> =>
    this.#send('GET', path, undefined, apiKey);
  delete = (path: string): Promise<ApiAnswer> => this.#send('DELETE', path);
  post = (path: string, body?: object): Promise<ApiAnswer> => this.#send('POST', path, body);

  last(answers: readonly ApiAnswer[]): ApiAnswer {
    const answer = answers.at(-1);
    if (answer === undefined) throw new Error('no answers');
    return answer;
  }

  /** Where the account stands, and its newest entry as people read it. */
  async account(): Promise<{ balance: number; entry: string }> {
    const { credit_balance } = Balance.parse(JSON.parse((await this.get('/api/v1/usage')).body));
    const [newest] = await this.#transactions(1);
    const entry = newest
      ? `#${newest.id.split('_').at(-1)} ${newest.source} ${newest.amount > 0 ? '+' : ''}${newest.amount}`
      : 'none';
    return { balance: credit_balance, entry };
  }

  /** Whether the entries, one by one, lead to the balance. */
  async statementAddsUp(): Promise<boolean> {
    const entries = (await this.#transactions(100)).toReversed();
    let balance = 0;
    const eachFollows = entries.every(({ amount, balance_after }) => {
      balance += amount;
      return balance === balance_after;
    });
    return eachFollows && balance === (await this.account()).balance;
  }

  async #transactions(limit: number) {
    const { body } = await this.get(`/api/v1/transactions?limit=${limit}`);
    return Statement.parse(JSON.parse(body)).transactions;
  }

  async #send(method: string, path: string, body?: object, apiKey = this.apiKey): Promise<ApiAnswer> {
    const headers: Record<string, string> = {};
    if (apiKey !== '') headers['x-api-key'] = apiKey;
    if (body !== undefined) headers['content-type'] = 'application/json';
    const response = await fetch(this.#url + path, {
      method,
      headers,
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return new ApiAnswer(`${method} ${path}`, response.status, await response.text());
  }
}
