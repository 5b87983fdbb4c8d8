import type { EventEmitter } from 'node:events';
import autocannon from 'autocannon';
import type { Call } from './call.ts';
import type { Tally } from './tally.ts';

/** How soon autocannon notices that it was told to stop. */
const NOTICES_STOP_MS = 100;
/** Longer than a function may run. */
const ANSWER_WITHIN_SECONDS = 40;
/** Nobody waits so long: it is stopped, never over. */
const FOR_EVER_SECONDS = 7 * 24 * 60 * 60;
/** Requests of one connection in a second, where that can be chosen. */
const OF_ONE_CONNECTION = 2;
const MOST_CONNECTIONS = 24;

export interface CannonOptions {
  readonly url: string;
  /** Requests a second, a whole number. */
  readonly perSecond: number;
  readonly next: () => Call;
  readonly tally: Tally;
}

/**
 * autocannon with requests that are made up as they are sent. It knows no request that was lost: a connection that it has to
 * open anew asks for the next one. So each connection keeps its call until that is answered, and is given the same again.
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
        duration: FOR_EVER_SECONDS,
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

  /** Stops sending; what is not answered by then is kept, and sent first when it is started again. */
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

  /** How many calls are under way. */
  get busy(): number {
    return this.#lines.filter(({ isBusy }) => isBusy).length;
  }

  /** What still waits for an answer. */
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
  /** With an answer after which it is to be sent again. */
  #isAnswered = false;
  #reason = 'connection closed';

  constructor(next: () => Call, tally: Tally) {
    this.#next = next;
    this.#tally = tally;
  }

  connect(client: autocannon.Client): void {
    // Ahead of the connection that is made in its place, and of the request that is sent over that.
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
          if (this.#call === null) throw new Error('an answer to nothing');
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

  /** What it was about to hear of. */
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
