import type { EventEmitter } from 'node:events';
import autocannon from 'autocannon';
import type { Call } from './call.ts';
import type { Tally } from './tally.ts';

/** How quickly autocannon reacts to `stop`. */
const NOTICES_STOP_MS = 100;
/** Longer than the functions' time limit. */
const ANSWER_WITHIN_SECONDS = 40;
/** Never reached: the load is always stopped earlier. */
const UNTIL_STOPPED_SECONDS = 7 * 24 * 60 * 60;
/** Requests per second of one connection, when the number of connections is free. */
const OF_ONE_CONNECTION = 2;
const MOST_CONNECTIONS = 24;

export interface CannonOptions {
  readonly url: string;
  /** Requests per second, a whole number. */
  readonly perSecond: number;
  readonly next: () => Call;
  readonly tally: Tally;
}

/**
 * Runs autocannon with requests that are generated as they are sent. autocannon forgets a lost request: a new
 * connection asks for the next one. So each line keeps its call until the answer, and sends it again on
 * reconnect.
 */
export class Cannon {
  readonly #options: CannonOptions;
  readonly #repeats: Call[] = [];
  #lines: Line[] = [];
  #running: { readonly instance: autocannon.Instance; readonly ended: Promise<void> } | null = null;

  constructor(options: CannonOptions) {
    this.#options = options;
  }

  start(): void {
    const { url, perSecond, next, tally } = this.#options;
    const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
    const instance = autocannon(
      {
        url,
        connections: Math.min(MOST_CONNECTIONS, Math.ceil(perSecond / OF_ONE_CONNECTION)),
        overallRate: perSecond,
        duration: UNTIL_STOPPED_SECONDS,
        timeout: ANSWER_WITHIN_SECONDS,
        sampleInt: NOTICES_STOP_MS,
        setupClient: (client) => {
          const line = new Line(() => this.#repeats.shift() ?? next(), tally);
          this.#lines.push(line);
          line.connect(client);
        },
      },
      (error) => (error ? reject(error) : resolve()),
    );
    this.#running = { instance, ended };
  }

  /** Stops sending. Unanswered calls are kept, and are sent first after the next start. */
  async stop(): Promise<void> {
    if (this.#running === null) return;
    this.#running.instance.stop();
    await this.#running.ended;
    this.#running = null;
    for (const line of this.#lines) {
      const call = line.giveUp();
      if (call !== null) this.#repeats.push(call);
    }
    this.#lines = [];
  }

  /** Number of calls in flight. */
  get busy(): number {
    return this.#lines.filter(({ isBusy }) => isBusy).length;
  }

  /** Removes and returns the calls that still need an answer. */
  takeRepeats(): Call[] {
    return this.#repeats.splice(0);
  }
}

/** One connection. */
class Line {
  readonly #next: () => Call;
  readonly #tally: Tally;
  #call: Call | null = null;
  #sentMs = 0;
  /** Whether the call was answered but must be sent again. */
  #isAnswered = false;
  #reason = 'connection closed';

  constructor(next: () => Call, tally: Tally) {
    this.#next = next;
    this.#tally = tally;
  }

  connect(client: autocannon.Client): void {
    // The event precedes the replacement connection and the request on that connection.
    const events: EventEmitter = client;
    events.on('connError', (error: NodeJS.ErrnoException) => {
      this.#reason = error.code ?? error.message;
    });
    client.setRequests([
      {
        setupRequest: (request) => {
          const { method, path, headers, body } = this.#toSend();
          this.#sentMs = performance.now();
          return { ...request, method, path, headers: { ...headers }, body };
        },
        onResponse: (status, body) => {
          if (this.#call === null) throw new Error('an answer without a request');
          const ms = performance.now() - this.#sentMs;
          if (this.#tally.answer(this.#call, { status, body }, ms)) this.#call = null;
          else this.#isAnswered = true;
        },
      },
    ]);
  }

  get isBusy(): boolean {
    return this.#call !== null;
  }

  /** Returns the call that is still unanswered. */
  giveUp(): Call | null {
    const call = this.#call;
    if (call !== null) this.#tally.cutOff(call);
    this.#call = null;
    return call;
  }

  #toSend(): Call {
    if (this.#call === null) this.#call = this.#next();
    else if (!this.#isAnswered) this.#tally.unanswered(this.#call, this.#reason);
    this.#isAnswered = false;
    this.#reason = 'connection closed';
    return this.#call;
  }
}
