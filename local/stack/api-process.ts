import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import * as z from 'zod/mini';
import type { Settings } from '../../cli/stage/local-settings.ts';
import { LOCAL_STAGE, PROJECT_ROOT } from '../../cli/stage/serverless-file.ts';
import { reasonOf, SetupError } from '../../lib/settings/setup-error.ts';
import { type StripeSettings, stripeEnvironment } from '../../lib/settings/stripe-environment.ts';
import { type GuardedProcess, startGuarded } from './guarded-process.ts';
import { stateFolder } from './state-folder.ts';

const READY_WITHIN_MS = 60_000;
const POLL_EVERY_MS = 50;
const ANSWER_WITHIN_MS = 5_000;
/** Longer than a request in flight takes. The emulator lets those finish. */
const STOP_GRACE_MS = 6_000;
/** The emulator's framed table of routes. */
const BANNER = /^\s*[┌│└]/;
/** Node's lines about its inspector. The stack prints the address itself. */
const INSPECTOR = /^(?:Debugger (?:listening|attached|ending)|For help, see: https:\/\/nodejs)/;

/** The running functions behind an emulated API Gateway. */
export interface Api {
  /** Resolves with the reason if the process exits without being stopped. */
  readonly exited: Promise<string>;
  stop(): Promise<void>;
}

export interface ApiOptions {
  readonly port: number;
  /** Speaks Lambda's API to invoke functions without a route. */
  readonly lambdaPort: number;
  readonly endpoint: string;
  readonly stripe: StripeSettings;
  /** Receives mail instead of Amazon SES. */
  readonly mailUrl: string;
  readonly logLevel: Settings['logLevel'];
  readonly allowedOrigins: readonly string[];
  /** The port where a debugger attaches to the functions. */
  readonly debugPort: number | undefined;
  readonly signal: AbortSignal;
  readonly onLine: (line: string, stream: 'stdout' | 'stderr') => void;
}

/** @throws SetupError with the output of the process if it does not start */
export async function startApi({
  port,
  lambdaPort,
  endpoint,
  stripe,
  mailUrl,
  logLevel,
  allowedOrigins,
  debugPort,
  signal,
  onLine,
}: ApiOptions): Promise<Api> {
  let ready = false;
  let stopping = false;
  const state = stateFolder();
  const api = startGuarded(commandLine(port, lambdaPort, debugPort), {
    cwd: PROJECT_ROOT,
    env: {
      ...process.env,
      DYNAMODB_ENDPOINT: endpoint,
      ...stripeEnvironment(stripe),
      AWS_ENDPOINT_URL_SESV2: mailUrl,
      LOCAL_API_URL: `http://localhost:${port}`,
      // The stand-in's script takes any key. Without the stand-in, the page offers other ways to pay.
      LOCAL_STRIPE_PUBLISHABLE_KEY: stripe.apiBase === undefined ? '' : 'pk_test_local',
      ALLOWED_ORIGINS: allowedOrigins.join(','),
      // Each stack builds in its own folder. Otherwise a second stack would overwrite the files of the first.
      LOCAL_BUILD_FOLDER: relative(PROJECT_ROOT, join(state, `stack-${port}`)),
      // Serverless writes to the home folder, which may be missing or read-only.
      HOME: join(state, 'home'),
      NODE_COMPILE_CACHE: join(state, 'node'),
      LOG_LEVEL: logLevel,
      METRICS_DISABLED: 'true', // metrics are lines on stdout, for CloudWatch to read
      SLS_LOG_LEVEL: 'error', // otherwise a line for every request
    },
    onLine: (line, stream) => {
      // The functions log JSON on both streams. Before the API is ready, other lines are the emulator's
      // banner.
      if (line.startsWith('{')) onLine(line, 'stdout');
      else if (ready && !stopping && !INSPECTOR.test(line)) onLine(line, stream);
    },
  });
  const stop = async () => {
    stopping = true;
    await api.stop(STOP_GRACE_MS);
  };

  try {
    await untilHealthy(api, port, signal);
  } catch (error) {
    await stop();
    throw error;
  }
  ready = true;
  return {
    exited: new Promise((resolve) => {
      void api.ended.then((how) => {
        if (!stopping) resolve(`The API (serverless-offline) exited unexpectedly: ${how}.`);
      });
    }),
    stop,
  };
}

function commandLine(port: number, lambdaPort: number, debugPort: number | undefined): string[] {
  const manifest = 'serverless/package.json';
  const require = createRequire(import.meta.url);
  const { bin } = z.object({ bin: z.object({ serverless: z.string() }) }).parse(require(manifest));
  const serverless = join(dirname(require.resolve(manifest)), bin.serverless);
  const preload = pathToFileURL(join(import.meta.dirname, 'emulated-gateway.ts')).href;
  return [
    process.execPath,
    ...(debugPort === undefined ? [] : [`--inspect=127.0.0.1:${debugPort}`]),
    ...['--import', preload, '--enable-source-maps', serverless, 'offline', 'start'],
    ...['--stage', LOCAL_STAGE, '--httpPort', String(port)],
    // Not `localhost`, which may resolve to ::1 only. A relay forwards ::1 to this address.
    ...['--host', '127.0.0.1'],
    ...['--lambdaPort', String(lambdaPort)],
    // A function that waits at a breakpoint must not time out.
    ...(debugPort === undefined ? [] : ['--noTimeout']),
  ];
}

async function untilHealthy(api: GuardedProcess, port: number, signal: AbortSignal): Promise<void> {
  const failure = (reason: string) => {
    const output = api.lastLines.filter((line) => line !== '' && !BANNER.test(line));
    return new SetupError(`The API (serverless-offline) did not start: ${reason}`, output);
  };
  const ended = api.ended.then((how) => {
    throw failure(how);
  });
  ended.catch(() => {}); // It may also reject after this function returned.

  const deadline = performance.now() + READY_WITHIN_MS;
  for (;;) {
    const { status, text } = await Promise.race([getHealth(port), ended]);
    if (status === 200) return;
    // Retry without an answer or after a 503. Any other status means that the function is broken.
    if (status !== undefined && status !== 503) throw failure(`GET /health answers ${status} ${text}`);
    if (performance.now() > deadline) throw failure(`not ready within ${READY_WITHIN_MS / 1_000} s: ${text}`);
    signal.throwIfAborted();
    await delay(POLL_EVERY_MS);
  }
}

async function getHealth(port: number): Promise<{ status?: number; text: string }> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/health`, {
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      headers: { connection: 'close' }, // an open connection would block the server's stop
    });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    return { text: reasonOf(error) };
  }
}
