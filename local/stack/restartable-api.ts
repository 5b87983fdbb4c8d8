import { reasonOf, SetupError } from '../../lib/settings/setup-error.ts';
import type { Api } from './api-process.ts';

/** Prints a message about a restart. */
export type PrintLine = (line: string) => void;

/** Stack frames of the emulator, where the fault never is. */
const STACK_FRAME = /^\s+at /;

/** The API of a stack. Can be restarted while the other parts keep running. */
export class RestartableApi implements Api {
  readonly exited: Promise<string>;
  readonly #start: () => Promise<Api>;
  readonly #print: PrintLine;
  #reportExit: (reason: string) => void = () => {};
  #current: Api | null = null;
  #up = Promise.withResolvers<void>();
  #isStopping = false;
  #restarting: Promise<void> = Promise.resolve();

  constructor(start: () => Promise<Api>, print: PrintLine) {
    this.#start = start;
    this.#print = print;
    this.exited = new Promise((resolve) => {
      this.#reportExit = resolve;
    });
  }

  /** @throws SetupError if the API does not start */
  async start(): Promise<void> {
    const api = await this.#start();
    void api.exited.then((reason) => {
      if (this.#current === api) this.#reportExit(reason);
    });
    this.#current = api;
    this.#up.resolve();
  }

  /** Resolves when the API answers, or `signal` aborts. */
  async untilUp(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const aborted = Promise.withResolvers<void>();
    const onAbort = () => aborted.resolve();
    signal.addEventListener('abort', onAbort, { once: true });
    await Promise.race([this.#up.promise, aborted.promise]);
    signal.removeEventListener('abort', onAbort);
  }

  /** Restarts the API with the current code. Prints a failure; the next change tries again. */
  restart(): Promise<void> {
    this.#restarting = this.#restart();
    return this.#restarting;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#restarting;
    await this.#stopCurrent();
  }

  async #restart(): Promise<void> {
    if (this.#isStopping) return;
    const startedAt = performance.now();
    await this.#stopCurrent();
    try {
      await this.start();
      const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
      this.#print(`The API was restarted in ${seconds} s.`);
    } catch (error) {
      if (this.#isStopping) return;
      this.#print(reasonOf(error));
      const output = error instanceof SetupError ? error.output : [];
      for (const line of output.filter((one) => !STACK_FRAME.test(one))) this.#print(`  ${line}`);
      this.#print('Waiting for the next change.');
    }
  }

  async #stopCurrent(): Promise<void> {
    const api = this.#current;
    if (api === null) return;
    this.#current = null;
    this.#up = Promise.withResolvers<void>();
    await api.stop();
  }
}
