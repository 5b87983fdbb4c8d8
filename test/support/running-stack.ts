import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { freePort } from '../../local/stack/ports.ts';
import { TEST_CREDENTIALS } from './table.ts';

const READY_WITHIN_MS = 180_000;

/** A stack that `npm start` runs in its own process. */
export interface RunningStack {
  readonly url: string;
  readonly port: number;
  readonly apiKey: string;
  readonly customerId: string;
  readonly process: ChildProcess;
  readonly output: readonly string[];
  /** Sends the signal and waits for the end. Returns the exit code, or null if a signal ended the process. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

export interface Started {
  readonly process: ChildProcess;
  readonly output: string[];
  readonly exited: Promise<number | null>;
}

export interface StartOptions {
  /** Flags of `npm start --`. */
  readonly args?: readonly string[];
  /** The checkout. Default: this one. */
  readonly cwd?: string;
}

/**
 * Starts `node local/start.ts` with these settings, without the engine and Stripe settings of the test run.
 */
export function spawnStart(
  settings: Record<string, string>,
  { args = [], cwd = process.cwd() }: StartOptions = {},
): Started {
  const excluded = /^(?:DYNAMODB_ENDPOINT$|STRIPE_)/;
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !excluded.test(name)));
  const child = spawn(process.execPath, ['local/start.ts', ...args], {
    cwd,
    env: { ...env, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => output.push(line));
  }
  const exited = once(child, 'close').then(([code]) => (typeof code === 'number' ? code : null));
  return { process: child, output, exited };
}

export async function startStack(
  settings: Record<string, string> = {},
  options: StartOptions = {},
): Promise<RunningStack> {
  const port = Number(settings['PORT'] ?? (await freePort()));
  const url = `http://localhost:${port}`;
  const { process: child, output, exited } = spawnStart({ ...settings, PORT: String(port) }, options);
  const deadline = performance.now() + READY_WITHIN_MS;
  while (!output.includes(`ready ${url}`)) {
    if (child.exitCode !== null || performance.now() > deadline) {
      child.kill('SIGKILL');
      throw new Error(`The stack did not start:\n${output.join('\n')}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const [, apiKey = '', customerId = ''] = /(rsolv_([0-9a-f]{32})_\S{43})/.exec(output.join('\n')) ?? [];
  return {
    url,
    port,
    apiKey,
    customerId,
    process: child,
    output,
    async end(signal) {
      child.kill(signal);
      return exited;
    },
  };
}

/** Sets the AWS SDK's credentials for tests that call the engine of a running stack directly. */
export function useTestCredentials(): void {
  Object.assign(process.env, TEST_CREDENTIALS);
}
