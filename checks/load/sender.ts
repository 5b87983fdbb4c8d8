import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { errorCode } from '../../lib/settings/setup-error.ts';
import type { Answer, Call } from './call.ts';
import type { Tally } from './tally.ts';

const ANSWER_WITHIN_MS = 40_000;
const AGAIN_AFTER_MS = 1_000;
/** With the pauses, far more time than a stack needs to restart. */
const MAX_TRIES = 300;

/** Sends single calls, each over its own connection, and retries until there is an answer. */
export class Sender {
  readonly #url: URL;
  readonly #tally: Tally;
  readonly #failure: AbortSignal;
  readonly #agent = new Agent({ keepAlive: false });

  /** @param gone aborted when no stack will answer any more */
  constructor(url: string, tally: Tally, failure: AbortSignal) {
    this.#url = new URL(url);
    this.#tally = tally;
    this.#failure = failure;
  }

  /** Returns null after the last unanswered try, which is counted as a fault. */
  async send(call: Call): Promise<Answer | null> {
    for (let tries = 0; tries < MAX_TRIES && !this.#failure.aborted; tries++) {
      const sentMs = performance.now();
      try {
        const answer = await this.#once(call);
        if (this.#tally.answer(call, answer, performance.now() - sentMs)) return answer;
      } catch (error) {
        this.#tally.unanswered(call, errorCode(error) ?? String(error));
      }
      await delay(AGAIN_AFTER_MS);
    }
    this.#tally.blame(`${call.kind} (${call.method} ${call.path}) got no answer`);
    return null;
  }

  #once({ method, path, headers, body, from }: Call): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const { hostname, port } = this.#url;
    const sent = request(
      {
        ...{ hostname, port, method, path, headers: { ...headers }, agent: this.#agent },
        ...(from !== undefined && { localAddress: from }),
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
      },
    );
    sent.on('error', reject);
    sent.end(body);
    return promise;
  }
}
