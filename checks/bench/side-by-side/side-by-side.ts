import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, type IncomingMessage, type RequestOptions, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod/mini';
import { SetupError } from '../../../lib/settings/setup-error.ts';
import { freePort } from '../../../local/stack/ports.ts';
import { range } from '../../../test/support/fixtures.ts';
import { bundle, readBundlePlan } from '../../budgets/bundle-functions.ts';
import { assertAllBilled, customerWithFixes } from '../customers.ts';
import { cacheFolder, openSetting } from '../setting.ts';
import { median } from '../statistics.ts';
import { type Postgres, startPostgres } from './postgres.ts';

const HERE = import.meta.dirname;
const AT_ONCE = 32;
const DEBITS_PER_LANE = 20;
const WARM_UP_ROUNDS = 2;
const READY_WITHIN_MS = 10_000;
const POLL_EVERY_MS = 50;

/** The service beside a plain server with PostgreSQL: the same debits over HTTP, on files. */
export interface SideBySide {
  readonly atOnce: number;
  readonly rounds: number;
  readonly postgres: string;
  /** Medians over the rounds. */
  readonly ours: Rates;
  readonly plain: Rates;
  /** Ours relative to the plain server in the same round. Medians. */
  readonly rateRatio: number;
  readonly cpuRatio: number;
}

export interface Rates {
  readonly debitsPerSecond: number;
  /** CPU seconds of the server's process per 1,000 debits, without its database. */
  readonly cpuPerThousand: number;
}

/** One debit: its address and its key. */
interface Debit {
  readonly path: string;
  readonly apiKey: string;
}

interface Contestant {
  readonly port: number;
  /** The debits of each lane, on fresh accounts, and a check that all were made. */
  readonly prepare: () => Promise<{
    readonly lanes: readonly (readonly Debit[])[];
    readonly check: () => Promise<void>;
  }>;
}

/** @throws SetupError if PostgreSQL or the packages of the plain server are missing */
export async function measureSideBySide(
  { sideBySideRounds: rounds }: { readonly sideBySideRounds: number },
  progress: (what: string) => void,
): Promise<SideBySide> {
  installPlainServer();
  const stops: (() => unknown)[] = [];
  try {
    const postgres = await startPostgres(await freePort());
    stops.push(postgres.stop);
    const ours = await ourServer(stops);
    const plain = await plainServer(postgres, stops);
    const taken: { readonly ours: Rates; readonly plain: Rates }[] = [];
    for (const round of range(1, WARM_UP_ROUNDS + rounds)) {
      progress(`side by side, round ${round} of ${WARM_UP_ROUNDS + rounds}`);
      // They take turns, so other load affects both equally.
      const before = round % 2 === 0 ? await run(ours) : null;
      const beside = await run(plain);
      const rates = { ours: before ?? (await run(ours)), plain: beside };
      if (round > WARM_UP_ROUNDS) taken.push(rates);
    }
    const of = (value: (one: (typeof taken)[number]) => number) => median(taken.map(value));
    const medians = (who: 'ours' | 'plain'): Rates => ({
      debitsPerSecond: of((one) => one[who].debitsPerSecond),
      cpuPerThousand: of((one) => one[who].cpuPerThousand),
    });
    return {
      atOnce: AT_ONCE,
      rounds,
      postgres: postgres.version,
      ours: medians('ours'),
      plain: medians('plain'),
      rateRatio: of((one) => one.ours.debitsPerSecond / one.plain.debitsPerSecond),
      cpuRatio: of((one) => one.ours.cpuPerThousand / one.plain.cpuPerThousand),
    };
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

/** @throws SetupError */
function installPlainServer(): void {
  if (existsSync(join(HERE, 'node_modules', 'fastify'))) return;
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--prefix', HERE], { stdio: 'ignore' });
  if (status !== 0) throw new SetupError(`npm ci in ${HERE} failed.`);
}

async function ourServer(stops: (() => unknown)[]): Promise<Contestant> {
  const dataDir = mkdtempSync(join(tmpdir(), 'rsolv-side-by-side-'));
  stops.push(() => rmSync(dataDir, { recursive: true, force: true }));
  const setting = await openSetting({ dataDir });
  stops.push(setting.stop);
  const folder = mkdtempSync(join(cacheFolder(), 'side-by-side-'));
  stops.push(() => rmSync(folder, { recursive: true }));
  const { file } = await bundle(readBundlePlan(), 'functions/bill-fix-attempt.ts', { folder });
  const port = await freePort();
  stops.push(await started(port, ['our-server.mjs', `${port}`, file], {}));
  return {
    port,
    prepare: async () => {
      const customers = await Promise.all(
        range(1, AT_ONCE).map(() => customerWithFixes(setting.deps, DEBITS_PER_LANE)),
      );
      return {
        lanes: customers.map(({ apiKey, fixes }) =>
          fixes.map(({ id }) => ({ path: `/api/v1/fix-attempts/${id}/billing`, apiKey })),
        ),
        check: async () => {
          for (const customer of customers) await assertAllBilled(setting.deps, customer);
        },
      };
    },
  };
}

async function plainServer(postgres: Postgres, stops: (() => unknown)[]): Promise<Contestant> {
  postgres.run(readFileSync(join(HERE, 'schema.sql'), 'utf8'));
  const port = await freePort();
  stops.push(await started(port, ['plain-server.mjs', `${port}`], { DATABASE_URL: postgres.url }));
  return {
    port,
    prepare: async () => {
      const accounts = range(1, AT_ONCE).map(() => ({ id: randomUUID(), apiKey: randomUUID() }));
      const hash = (key: string) => createHash('sha256').update(key).digest('hex');
      postgres.run(
        accounts
          .map(
            ({ id, apiKey }) =>
              `INSERT INTO accounts VALUES ('${id}', ${DEBITS_PER_LANE}, 0);` +
              `INSERT INTO api_keys VALUES ('${hash(apiKey)}', '${id}', NULL);`,
          )
          .join('\n'),
      );
      const ids = accounts.map(({ id }) => `'${id}'`).join(', ');
      const isRight = `(SELECT count(*) FROM entries WHERE account_id IN (${ids})) = ${AT_ONCE * DEBITS_PER_LANE}
        AND (SELECT sum(balance) FROM accounts WHERE id IN (${ids})) = 0`;
      return {
        lanes: accounts.map(({ apiKey }) =>
          range(1, DEBITS_PER_LANE).map(() => ({ path: `/fixes/${randomUUID()}/billing`, apiKey })),
        ),
        check: async () => postgres.run(`SELECT 1 / (CASE WHEN ${isRight} THEN 1 ELSE 0 END);`),
      };
    },
  };
}

/** Starts a server in a process of its own. Its log goes nowhere, but it is written. */
async function started(
  port: number,
  [script = '', ...args]: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<() => Promise<void>> {
  const child = spawn(process.execPath, [join(HERE, script), ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, ...env },
  });
  for (const startedMs = performance.now(); ; ) {
    try {
      await cpuOf(port);
      return () => ended(child);
    } catch (error) {
      if (performance.now() - startedMs > READY_WITHIN_MS) throw error;
      await delay(POLL_EVERY_MS);
    }
  }
}

async function ended(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill();
  await exited;
}

async function run({ port, prepare }: Contestant): Promise<Rates> {
  const { lanes, check } = await prepare();
  const agent = new Agent({ keepAlive: true });
  const cpuBefore = await cpuOf(port);
  const startedMs = performance.now();
  await Promise.all(
    lanes.map(async (debits) => {
      for (const debit of debits) await make(debit, port, agent);
    }),
  );
  const seconds = (performance.now() - startedMs) / 1_000;
  const cpuSeconds = (await cpuOf(port)) - cpuBefore;
  agent.destroy();
  await check();
  const debits = AT_ONCE * DEBITS_PER_LANE;
  return { debitsPerSecond: debits / seconds, cpuPerThousand: (1_000 * cpuSeconds) / debits };
}

/** @throws Error unless the debit was made */
async function make({ path, apiKey }: Debit, port: number, agent: Agent): Promise<void> {
  const options = { host: '127.0.0.1', port, path, method: 'POST', agent, headers: { 'x-api-key': apiKey } };
  const [status, body] = await answer(options);
  if (status !== 200) throw new Error(`a debit was answered ${status} ${body}`);
}

const Cpu = z.object({ user: z.number(), system: z.number() });

/** CPU seconds that a server has used. */
async function cpuOf(port: number): Promise<number> {
  const [, body] = await answer({ host: '127.0.0.1', port, path: '/_cpu', method: 'GET' });
  const { user, system } = Cpu.parse(JSON.parse(body));
  return (user + system) / 1_000_000;
}

async function answer(options: RequestOptions): Promise<[number, string]> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request(options, resolve).once('error', reject).end();
  });
  return [response.statusCode ?? 0, await text(response)];
}
