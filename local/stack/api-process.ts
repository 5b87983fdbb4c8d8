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
/** Longer than a request that is being answered takes; the emulator lets those finish. */
const STOP_GRACE_MS = 6_000;
/** The emulator's table of routes, in a frame. */
const BANNER = /^\s*[┌│└]/;
/** What Node says of its inspector; where that is, the stack says. */
const INSPECTOR = /^(?:Debugger (?:listening|attached|ending)|For help, see: https:\/\/nodejs)/;

/** The functions behind an emulated API Gateway, answering. */
export interface Api {
  /** Resolves, with the reason, only if the process ends by itself. */
  readonly exited: Promise<string>;
  stop(): Promise<void>;
}

export interface ApiOptions {
  readonly port: number;
  /** Where the functions are invoked as with Lambda's own API, without a route. */
  readonly lambdaPort: number;
  readonly endpoint: string;
  readonly stripe: StripeSettings;
  /** Where mail goes instead of to Amazon SES. */
  readonly mailUrl: string;
  readonly logLevel: Settings['logLevel'];
  readonly allowedOrigins: readonly string[];
  /** Where a debugger attaches to the functions. */
  readonly debugPort: number | undefined;
  readonly signal: AbortSignal;
  readonly onLine: (line: string, stream: 'stdout' | 'stderr') => void;
}

/** @throws SetupError with what the process wrote, when it does not come up. */
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
      ALLOWED_ORIGINS: allowedOrigins.join(','),
      // Each stack builds in a folder of its own, or a second one would change files under the first.
      LOCAL_BUILD_FOLDER: relative(PROJECT_ROOT, join(state, `stack-${port}`)),
      // Serverless keeps a schema and its settings in the home folder, which may not be there, or not be writable.
      HOME: join(state, 'home'),
      NODE_COMPILE_CACHE: join(state, 'node'),
      POWERTOOLS_LOG_LEVEL: logLevel,
      POWERTOOLS_METRICS_DISABLED: 'true', // metrics are lines on stdout, for CloudWatch to read
      SLS_LOG_LEVEL: 'error', // else a line for every request
    },
    onLine: (line, stream) => {
      // The functions' own log is JSON on both streams. Until the API is up all else is the emulator introducing itself.
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
        if (!stopping) resolve(`The API (serverless-offline) ended by itself: ${how}.`);
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
    // Not `localhost`, which may be ::1 only; ::1 is relayed to this address.
    ...['--host', '127.0.0.1'],
    ...['--lambdaPort', String(lambdaPort)],
    // A function that waits at a breakpoint is not late.
    ...(debugPort === undefined ? [] : ['--noTimeout']),
  ];
}

async function untilHealthy(api: GuardedProcess, port: number, signal: AbortSignal): Promise<void> {
  const failure = (what: string) => {
    const output = api.lastLines.filter((line) => line !== '' && !BANNER.test(line));
    return new SetupError(`The API (serverless-offline) did not start: ${what}`, output);
  };
  const ended = api.ended.then((how) => {
    throw failure(how);
  });
  ended.catch(() => {}); // It may also end long after anybody waits here.

  const deadline = performance.now() + READY_WITHIN_MS;
  for (;;) {
    const { status, text } = await Promise.race([getHealth(port), ended]);
    if (status === 200) return;
    // No answer, or one that says "not yet", may change; that the function is broken will not.
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
      headers: { connection: 'close' }, // an open connection would keep the server from closing
    });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    return { text: reasonOf(error) };
  }
}
