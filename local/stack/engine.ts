import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod/mini';
import { reasonOf, SetupError } from '../../lib/settings/setup-error.ts';
import { type DataDirLock, lockDataDir, makeDataDir } from './data-dir.ts';
import { type GuardedProcess, startGuarded } from './guarded-process.ts';
import { freePort } from './ports.ts';

const READY_WITHIN_MS = 10_000;
const POLL_EVERY_MS = 20;
const ANSWER_WITHIN_MS = 3_000;
const STOP_GRACE_MS = 3_000;
const DATA_FILE = 'ledger.sqlite';

/** A running DynamoDB-compatible engine. */
export interface Engine {
  readonly endpoint: string;
  /** For people, in one line. */
  readonly describe: string;
  /** Resolves with the reason if the engine exits unexpectedly, without a call of `stop`. */
  readonly exited: Promise<string>;
  stop(): Promise<void>;
}

export interface EngineOptions {
  readonly dataDir?: string | undefined;
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Starts Dynoxide, in memory or on a file in `dataDir`. If DYNAMODB_ENDPOINT is set, uses that engine
 * instead.
 * @throws SetupError in one line if no engine can be used
 */
export async function startEngine({ dataDir, env = process.env }: EngineOptions = {}): Promise<Engine> {
  const endpoint = env['DYNAMODB_ENDPOINT'];
  return endpoint ? useEngine(endpoint, dataDir) : startDynoxide(dataDir);
}

async function useEngine(endpoint: string, dataDir: string | undefined): Promise<Engine> {
  if (!/^https?:\/\//.test(endpoint) || !URL.canParse(endpoint)) {
    throw new SetupError(`DYNAMODB_ENDPOINT is "${endpoint}"; it must be an http or https URL.`);
  }
  const failure = await connectFailure(endpoint);
  if (failure !== null) {
    throw new SetupError(
      `DYNAMODB_ENDPOINT is ${endpoint}, but nothing answers there: ${failure}. ` +
        'Start that engine or unset the variable.',
    );
  }
  // DATA_DIR still stores the demo customer's key and the Stripe double's state.
  const lock = dataDir === undefined ? undefined : await lockIfSupported(dataDir);
  const note = dataDir === undefined ? '' : '; DATA_DIR does not affect where it stores data';
  return {
    endpoint,
    describe: `your own engine at ${endpoint} (DYNAMODB_ENDPOINT${note})`,
    exited: new Promise(() => {}),
    stop: async () => lock?.release(),
  };
}

/** Your own engine may run on a system without this lock. */
async function lockIfSupported(dataDir: string): Promise<DataDirLock | undefined> {
  if (process.platform === 'linux') return lockDataDir(dataDir);
  await makeDataDir(dataDir);
  return undefined;
}

async function startDynoxide(dataDir: string | undefined): Promise<Engine> {
  const { binary, version } = findDynoxide();
  const lock = dataDir === undefined ? undefined : await lockDataDir(dataDir);
  const file = dataDir === undefined ? undefined : join(dataDir, DATA_FILE);
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;

  const storage = file === undefined ? [] : ['--db-path', file];
  const engine = startGuarded([binary, 'serve', '--host', '127.0.0.1', '-p', String(port), ...storage], {});
  let stopping = false;
  const stop = async () => {
    stopping = true;
    await engine.stop(STOP_GRACE_MS);
    await lock?.release();
  };

  try {
    await untilAnswers(engine, endpoint);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    endpoint,
    describe: `Dynoxide ${version}, ${file === undefined ? 'in memory' : `data in ${file}`}`,
    exited: new Promise((resolve) => {
      void engine.ended.then((how) => {
        if (!stopping) resolve(`The engine (Dynoxide) exited unexpectedly: ${how}.`);
      });
    }),
    stop,
  };
}

function findDynoxide(): { binary: string; version: string } {
  const require = createRequire(import.meta.url);
  const name = `@dynoxide/${process.platform}-${process.arch}`;
  try {
    const manifest = `${name}/package.json`;
    const { version } = z.object({ version: z.string() }).parse(require(manifest));
    return { binary: join(dirname(require.resolve(manifest)), 'dynoxide'), version };
  } catch {
    throw new SetupError(
      `No engine is installed: the optional dependency ${name} is missing. ` +
        "Run a DynamoDB-compatible engine, for example AWS's DynamoDB Local, and set its address: " +
        'DYNAMODB_ENDPOINT=http://127.0.0.1:8000 npm start',
    );
  }
}

async function untilAnswers(engine: GuardedProcess, endpoint: string): Promise<void> {
  const ended = engine.ended.then((how) => {
    const reason = engine.lastLines.at(-1) ?? how;
    throw new SetupError(`The engine (Dynoxide) did not start: ${reason}`, engine.lastLines.slice(0, -1));
  });
  ended.catch(() => {}); // It may also reject after this function returned.
  const deadline = performance.now() + READY_WITHIN_MS;
  while ((await Promise.race([connectFailure(endpoint), ended])) !== null) {
    if (performance.now() > deadline) {
      throw new SetupError(
        `The engine (Dynoxide) did not answer within ${READY_WITHIN_MS / 1_000} s.`,
        engine.lastLines,
      );
    }
    await delay(POLL_EVERY_MS);
  }
}

/** The reason why there is no HTTP answer. Null if there is any. */
async function connectFailure(endpoint: string): Promise<string | null> {
  try {
    const response = await fetch(endpoint, {
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      redirect: 'manual',
    });
    await response.body?.cancel();
    return null;
  } catch (error) {
    return reasonOf(error);
  }
}
