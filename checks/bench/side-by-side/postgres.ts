import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SetupError } from '../../../lib/settings/setup-error.ts';

/** Debian puts the server's programs here, outside PATH. */
const DEBIAN = '/usr/lib/postgresql';
const DATABASE = 'plain';
const READY_WITHIN_MS = 20_000;
const POLL_EVERY_MS = 50;

export interface Postgres {
  readonly url: string;
  readonly version: string;
  /** Runs SQL with psql. @throws Error with what psql wrote */
  run(sql: string): void;
  stop(): Promise<void>;
}

/**
 * A PostgreSQL of its own in a temporary folder, as durable as it comes, on 127.0.0.1 only.
 * @throws SetupError if PostgreSQL is not installed
 */
export async function startPostgres(port: number): Promise<Postgres> {
  const programs = findPrograms();
  const folder = mkdtempSync(join(tmpdir(), 'rsolv-postgres-'));
  const as = unprivileged();
  if (as.uid !== undefined && as.gid !== undefined) chownSync(folder, as.uid, as.gid);
  const data = join(folder, 'data');
  const call = (name: string, args: readonly string[], input?: string) => {
    const done = spawnSync(join(programs, name), args, { ...as, encoding: 'utf8', ...(input && { input }) });
    if (done.status !== 0) throw new Error(`${name} failed: ${done.stderr}`);
    return done.stdout;
  };
  call('initdb', ['-D', data, '-U', 'plain', '-A', 'trust', '-E', 'UTF8', '--no-instructions']);
  const settings = { listen_addresses: '127.0.0.1', port: `${port}`, unix_socket_directories: folder };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const server = spawn(join(programs, 'postgres'), ['-D', data, ...options], { ...as, stdio: 'ignore' });
  const exited = once(server, 'exit');
  const url = `postgres://plain@127.0.0.1:${port}/${DATABASE}`;
  const to = (database: string) => ['-h', '127.0.0.1', '-p', `${port}`, '-U', 'plain', '-d', database];
  const stop = async () => {
    server.kill('SIGINT');
    await exited;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await ready(() => call('psql', [...to('postgres'), '-qc', `CREATE DATABASE ${DATABASE}`]));
    return {
      url,
      version: call('postgres', ['--version']).trim(),
      run: (sql) => void call('psql', [...to(DATABASE), '-q', '-v', 'ON_ERROR_STOP=1'], sql),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function ready(attempt: () => unknown): Promise<void> {
  for (const startedMs = performance.now(); ; ) {
    try {
      attempt();
      return;
    } catch (error) {
      if (performance.now() - startedMs > READY_WITHIN_MS) throw error;
      await delay(POLL_EVERY_MS);
    }
  }
}

/** The folder with initdb, postgres and psql. */
function findPrograms(): string {
  const debian = existsSync(DEBIAN) ? readdirSync(DEBIAN).map((version) => join(DEBIAN, version, 'bin')) : [];
  const inPath = (process.env['PATH'] ?? '').split(':');
  const found = [...debian.toSorted().toReversed(), ...inPath].find((folder) =>
    ['initdb', 'postgres', 'psql'].every((name) => existsSync(join(folder, name))),
  );
  if (found !== undefined) return found;
  throw new SetupError(
    'PostgreSQL is missing. Install it (apt-get install postgresql), or use --without-postgres.',
  );
}

/** PostgreSQL refuses to run as root. Debian's package has a user for it. */
function unprivileged(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const idOf = (option: string) => Number(spawnSync('id', [option, 'postgres'], { encoding: 'utf8' }).stdout);
  return { uid: idOf('-u'), gid: idOf('-g') };
}
