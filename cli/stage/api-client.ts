import * as z from 'zod/mini';
import { SetupError } from '../../lib/settings/setup-error.ts';

const TIMEOUT_MS = 30_000;

const PAGE = 100;

const Health = z.object({ status: z.literal('ok'), stage: z.string() });
const Transaction = z.object({
  id: z.string(),
  amount: z.number(),
  balance_after: z.number(),
  source: z.string(),
  metadata: z.record(z.string(), z.union([z.string(), z.number()])),
});
export type Transaction = z.output<typeof Transaction>;

const Statement = z.object({ transactions: z.array(Transaction), next_cursor: z.optional(z.string()) });
const Account = z.object({ credit_balance: z.number(), recent_transactions: z.array(Transaction) });

/** Whether this service answers at the URL. */
export async function isServiceAt(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    return Health.safeParse(await response.json()).success;
  } catch {
    return false;
  }
}

/** The answer to one call, together with the call as text. */
export class ApiAnswer {
  readonly call: string;
  readonly status: number;
  readonly body: string;
  /** How long to wait after a rate limit. */
  readonly retryAfterSeconds: number;
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor(call: string, status: number, body: string, retryAfterSeconds = 0) {
    this.call = call;
    this.status = status;
    this.body = body;
    this.retryAfterSeconds = retryAfterSeconds;
    this.#fields = z.record(z.string(), z.unknown()).parse(JSON.parse(body));
  }

  field(name: string): unknown {
    return this.#fields[name];
  }

  /**
   * @throws SetupError with the answer if it has no such text field. The journey cannot continue without it.
   */
  text(name: string): string {
    const value = this.#fields[name];
    if (typeof value !== 'string') throw this.#unexpected();
    return value;
  }

  /** @throws SetupError with the answer if it does not match the schema */
  as<S extends z.ZodMiniType>(schema: S): z.output<S> {
    const parsed = schema.safeParse(this.#fields);
    if (!parsed.success) throw this.#unexpected();
    return parsed.data;
  }

  #unexpected(): SetupError {
    return new SetupError(`${this.call} answered ${this.status}: ${this.body}`);
  }
}

/** Calls the API as a customer. */
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

  /** The balance and the newest entries, newest first. */
  async account(): Promise<{ balance: number; newest: readonly Transaction[] }> {
    const account = (await this.get('/api/v1/usage')).as(Account);
    return { balance: account.credit_balance, newest: account.recent_transactions };
  }

  /** Every entry, oldest first. */
  async statement(): Promise<Transaction[]> {
    const entries: Transaction[] = [];
    let cursor: string | undefined;
    do {
      const from = cursor === undefined ? '' : `&cursor=${cursor}`;
      const page = (await this.get(`/api/v1/transactions?limit=${PAGE}${from}`)).as(Statement);
      entries.push(...page.transactions);
      cursor = page.next_cursor;
    } while (cursor !== undefined);
    return entries.reverse();
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
    const retryAfterSeconds = Number(response.headers.get('retry-after') ?? 0);
    return new ApiAnswer(`${method} ${path}`, response.status, await response.text(), retryAfterSeconds);
  }
}
