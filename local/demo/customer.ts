import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type ApiAnswer, ApiClient } from '../../cli/stage/api-client.ts';
import { showProgress } from '../../cli/terminal/progress.ts';
import { parseApiKey } from '../../lib/domain/api-key.ts';

/** Fixes that are billed at the same time, where there are many. */
const AT_ONCE = 6;
const TOO_MANY = 429;

/** A customer of the journey, and RSOLV-action, which works for them. */
export class Customer {
  readonly api: ApiClient;
  readonly email = `demo-${randomBytes(4).toString('hex')}@rsolv.example`;
  #newestPullRequest = 0;

  constructor(url: string) {
    this.api = new ApiClient(url);
  }

  /** Empty before they signed up. */
  get id(): string {
    return parseApiKey(this.api.apiKey)?.customerId ?? '';
  }

  /** The service lets 10 sign-ups a minute through from one address: a journey that comes too soon waits for its turn. */
  async signUp(email = this.email): Promise<ApiAnswer> {
    const customer = { name: 'Journey', email, source: 'direct' };
    const ask = () => this.api.post('/api/v1/customers/onboard', customer);
    let answer = await ask();
    if (answer.status === TOO_MANY) {
      console.log(`Too many sign-ups just now: waiting ${answer.retryAfterSeconds} s.`);
      await delay(answer.retryAfterSeconds * 1_000);
      answer = await ask();
    }
    if (this.api.apiKey === '') this.api.apiKey = answer.text('api_key');
    return answer;
  }

  record(prNumber: number): Promise<ApiAnswer> {
    return this.api.post('/api/v1/fix-attempts', {
      github_org: 'acme',
      repo_name: 'webshop',
      pr_number: prNumber,
      pr_title: `Fix vulnerability ${prNumber}`,
      pr_url: `https://github.com/acme/webshop/pull/${prNumber}`,
    });
  }

  /** Records the pull request, if it is not, and reports its merge. */
  async bill(prNumber: number): Promise<ApiAnswer> {
    const id = (await this.record(prNumber)).text('id');
    return this.api.post(`/api/v1/fix-attempts/${id}/billing`);
  }

  /** One more fix than there were. */
  billNext(): Promise<ApiAnswer> {
    this.#newestPullRequest += 1;
    return this.bill(this.#newestPullRequest);
  }

  /** Many fixes, several at a time. Answers the first that was not paid with a credit, or else the last. */
  async billMany(count: number): Promise<ApiAnswer> {
    const progress = showProgress(process.stdout);
    const answers: ApiAnswer[] = [];
    let begun = 0;
    const worker = async () => {
      while (begun < count) {
        begun += 1;
        answers.push(await this.billNext());
        if (process.stdout.isTTY) progress.step(`${answers.length} of ${count} fixes, ${AT_ONCE} at a time`);
      }
    };
    if (!process.stdout.isTTY) progress.step(`${count} fixes, ${AT_ONCE} at a time`);
    await Promise.all(Array.from({ length: AT_ONCE }, worker)).finally(progress.end);
    return answers.find((answer) => answer.field('outcome') !== 'credit_consumed') ?? this.api.last(answers);
  }
}
