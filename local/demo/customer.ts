import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type ApiAnswer, ApiClient } from '../../cli/stage/api-client.ts';
import { showProgress } from '../../cli/terminal/progress.ts';
import { parseApiKey } from '../../lib/domain/api-key.ts';

/** Fixes that are billed concurrently. */
const CONCURRENCY = 6;
const TOO_MANY = 429;

/** A customer of the demo. Also makes the calls of RSOLV-action. */
export class Customer {
  readonly api: ApiClient;
  readonly email = `demo-${randomBytes(4).toString('hex')}@rsolv.example`;
  #newestPullRequest = 0;

  constructor(url: string) {
    this.api = new ApiClient(url);
  }

  /** Empty before the sign-up. */
  get id(): string {
    return parseApiKey(this.api.apiKey)?.customerId ?? '';
  }

  /** Waits once if rate limited: the service allows 10 sign-ups per minute from one address. */
  async signUp(email = this.email): Promise<ApiAnswer> {
    const customer = { name: 'Journey', email, source: 'direct' };
    const send = () => this.api.post('/api/v1/customers/onboard', customer);
    let answer = await send();
    if (answer.status === TOO_MANY) {
      console.log(`Too many sign-ups: waiting ${answer.retryAfterSeconds} s.`);
      await delay(answer.retryAfterSeconds * 1_000);
      answer = await send();
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

  /** Records the pull request, which is idempotent, and reports its merge. */
  async bill(prNumber: number): Promise<ApiAnswer> {
    const id = (await this.record(prNumber)).text('id');
    return this.api.post(`/api/v1/fix-attempts/${id}/billing`);
  }

  /** Bills the fix of a new pull request. */
  billNext(): Promise<ApiAnswer> {
    this.#newestPullRequest += 1;
    return this.bill(this.#newestPullRequest);
  }

  /**
   * Bills many fixes concurrently. Returns the first answer that did not use a credit, otherwise the last
   * one.
   */
  async billMany(count: number): Promise<ApiAnswer> {
    const progress = showProgress(process.stdout);
    const answers: ApiAnswer[] = [];
    let started = 0;
    const worker = async () => {
      while (started < count) {
        started += 1;
        answers.push(await this.billNext());
        if (process.stdout.isTTY)
          progress.step(`${answers.length} of ${count} fixes, ${CONCURRENCY} at a time`);
      }
    };
    if (!process.stdout.isTTY) progress.step(`${count} fixes, ${CONCURRENCY} at a time`);
    await Promise.all(Array.from({ length: CONCURRENCY }, worker)).finally(progress.end);
    return answers.find((answer) => answer.field('outcome') !== 'credit_consumed') ?? this.api.last(answers);
  }
}
