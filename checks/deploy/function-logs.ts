import * as z from 'zod/mini';
import { AwsRefusal, signedCall } from '../../lib/settings/signed-call.ts';
import { type Access, environmentOf } from './account.ts';

const TIMEOUT_MS = 10_000;
const Events = z.object({
  events: z._default(z.array(z.object({ message: z.string() })), []),
  nextToken: z.optional(z.string()),
});

/** What the functions of a stage logged. The project has no client of CloudWatch Logs. */
export class FunctionLogs {
  readonly #access: Access;

  constructor(access: Access) {
    this.#access = access;
  }

  /** Every line of a function. None if the function never ran. */
  async lines(functionName: string): Promise<string[]> {
    const lines: string[] = [];
    let nextToken: string | undefined;
    do {
      const page = await this.#filter(`/aws/lambda/${functionName}`, nextToken);
      lines.push(...page.events.map(({ message }) => message));
      nextToken = page.nextToken;
    } while (nextToken !== undefined);
    return lines;
  }

  /** Whether there is such a log group. */
  async exists(logGroupName: string): Promise<boolean> {
    try {
      await this.#filter(logGroupName, undefined);
      return true;
    } catch (error) {
      if (error instanceof AwsRefusal && error.code === 'ResourceNotFoundException') return false;
      throw error;
    }
  }

  async #filter(logGroupName: string, nextToken: string | undefined): Promise<z.output<typeof Events>> {
    const answer = await signedCall(environmentOf(this.#access), {
      service: 'logs',
      host: 'logs',
      endpoint: this.#access.endpoint,
      path: '/',
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': 'Logs_20140328.FilterLogEvents',
      },
      body: JSON.stringify({ logGroupName, nextToken }),
      timeoutMs: TIMEOUT_MS,
    });
    return Events.parse(answer);
  }
}
