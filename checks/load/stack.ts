import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { type RunningStack, runningStack } from '../../cli/stage/running.ts';
import { PROJECT_ROOT } from '../../cli/stage/serverless-file.ts';
import { SetupError } from '../../lib/settings/setup-error.ts';
import { freePort } from '../../local/stack/ports.ts';
import type { Outage } from './outages.ts';

const READY_WITHIN_MS = 180_000;
const POLL_EVERY_MS = 50;
const KEPT_LINES = 60;

/** The stack that is under load. */
export interface Target {
  readonly url: string;
  /** How to reach its engine, functions and Stripe. The values change at each start. */
  current(): RunningStack;
}

/** A running stack on this machine. @throws SetupError when no stack is registered for that port */
export function stackAt(url: string): Target {
  const { port } = new URL(url);
  runningStack(Number(port));
  // Not `localhost`: the API listens only on this address.
  return { url: `http://127.0.0.1:${port}`, current: () => runningStack(Number(port)) };
}

/** `npm start` with its own data folder, which can be killed and restarted repeatedly. */
export class OwnStack implements Target {
  readonly url: string;
  readonly #port: number;
  readonly #stripePort: number;
  readonly #dataDir: string;
  readonly #output: string[] = [];
  readonly #onEnd: (failure: SetupError) => void;
  #child: ChildProcess | null = null;
  /** Whether an end of the process is expected. */
  #isEnding = false;

  private constructor(port: number, stripePort: number, onEnd: (failure: SetupError) => void) {
    this.#port = port;
    this.#stripePort = stripePort;
    this.#onEnd = onEnd;
    this.url = `http://127.0.0.1:${port}`;
    this.#dataDir = mkdtempSync(join(tmpdir(), 'rsolv-billing-load-'));
    process.on('exit', () => this.#leaveNothing());
  }

  /** @param onEnd called on an unexpected end @throws SetupError with the output, if it does not start */
  static async start(onEnd: (failure: SetupError) => void): Promise<OwnStack> {
    const stack = new OwnStack(await freePort(), await freePort(), onEnd);
    await stack.#start();
    return stack;
  }

  current(): RunningStack {
    return runningStack(this.#port);
  }

  /** Sends SIGKILL, and resolves when the whole stack has ended. */
  async kill(what: Outage['killed']): Promise<void> {
    const child = this.#running();
    this.#isEnding = true;
    const ended = once(child, 'close');
    // After the kill of the service alone, its parent stops the other parts in order and then ends.
    if (what === 'service') process.kill(servicePid(child.pid ?? 0), 'SIGKILL');
    else child.kill('SIGKILL');
    await ended;
  }

  async startAgain(): Promise<void> {
    await this.#start();
  }

  async stop(): Promise<void> {
    if (this.#child === null) return;
    this.#isEnding = true;
    const ended = once(this.#child, 'close');
    this.#child.kill('SIGTERM');
    await ended;
  }

  async #start(): Promise<void> {
    const own = /^(?:DYNAMODB_ENDPOINT$|STRIPE_|LOG_LEVEL$|npm_lifecycle_event$)/;
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.test(name)));
    const child = spawn(process.execPath, ['local/start.ts'], {
      cwd: PROJECT_ROOT,
      env: {
        ...env,
        PORT: String(this.#port),
        STRIPE_PORT: String(this.#stripePort),
        DATA_DIR: this.#dataDir,
        LOCAL_KEY_CALLS_PER_MINUTE: '0',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      // Ctrl-C must reach only this process: the stack is still needed to verify the ledger.
      detached: true,
    });
    this.#child = child;
    this.#isEnding = false;
    let isReady = false;
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        isReady ||= line.startsWith('ready ');
        this.#output.push(line);
        if (this.#output.length > KEPT_LINES) this.#output.shift();
      });
    }
    let hasEnded = false;
    child.once('close', (code, signal) => {
      hasEnded = true;
      this.#child = null;
      if (this.#isEnding) return;
      const how = `The stack ended unexpectedly: ${signal ?? `exit code ${code}`}.`;
      this.#onEnd(new SetupError(how, [...this.#output]));
    });
    const deadline = performance.now() + READY_WITHIN_MS;
    while (!isReady) {
      if (hasEnded || performance.now() > deadline) {
        throw new SetupError('The stack did not start.', [...this.#output]);
      }
      await delay(POLL_EVERY_MS);
    }
    // Keeps only what the stack writes after its start.
    this.#output.length = 0;
  }

  #running(): ChildProcess {
    if (this.#child === null) throw new Error('the stack is not running');
    return this.#child;
  }

  /** Runs on exit: kills the stack and removes its files. */
  #leaveNothing(): void {
    this.#child?.kill('SIGKILL');
    rmSync(this.#dataDir, { recursive: true, force: true });
    rmSync(join(PROJECT_ROOT, '.cache', `stack-${this.#port}`), { recursive: true, force: true });
    rmSync(join(tmpdir(), `rsolv-billing-${this.#port}.json`), { force: true });
  }
}

/** The id of the stack's process that serves the API. @throws Error when there is none */
function servicePid(stack: number): number {
  for (const pid of descendants(stack)) {
    const [command = '', ...args] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    if (command.endsWith('node') && args.includes('offline')) return pid;
  }
  throw new Error('no process of the stack serves the API');
}

/** Reads Linux's /proc. */
function descendants(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  return children
    .filter(Boolean)
    .map(Number)
    .flatMap((child) => [child, ...descendants(child)]);
}
