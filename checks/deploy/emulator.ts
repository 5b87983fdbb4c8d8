import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorCode, SetupError } from '../../lib/settings/setup-error.ts';
import { pythonPackages } from '../support/python-packages.ts';

export const EMULATOR = 'ministack';
export const REQUIREMENTS = 'checks/deploy/requirements.txt';
const HOST = '127.0.0.1';
/** Nothing listens there: the emulator reaches only this machine. */
const CLOSED_PORT = 'http://127.0.0.1:9';
const READY_WITHIN_MS = 30_000;
const ENDS_WITHIN_MS = 5_000;
const POLL_MS = 100;

export interface Emulator {
  readonly endpoint: string;
  /** The addresses on which the emulator and its functions listen. */
  listeners(): string[];
  stop(): Promise<void>;
}

/**
 * Starts an emulator of AWS without containers, which enforces IAM policies: signatures, identity policies
 * and resource policies. The account's root may do everything.
 * @throws SetupError if it does not start
 */
export async function startEmulator(port: number): Promise<Emulator> {
  const packages = pythonPackages(EMULATOR, REQUIREMENTS);
  const endpoint = `http://${HOST}:${port}`;
  const folder = mkdtempSync(join(tmpdir(), 'rsolv-billing-emulator-'));
  const log = join(folder, 'log');
  const output = openSync(log, 'w');
  const child = spawn('python3', ['-m', EMULATOR], {
    // Functions inherit this environment, so it has nothing that Lambda's lacks.
    env: {
      PATH: process.env['PATH'],
      TMPDIR: folder,
      PYTHONPATH: packages,
      PYTHONDONTWRITEBYTECODE: '1',
      BIND_HOST: HOST,
      GATEWAY_PORT: String(port),
      AWS_ENDPOINT_URL: endpoint,
      AUTH: 'true',
      IOT_MTLS_ENABLED: '0',
      HTTPS_PROXY: CLOSED_PORT,
    },
    stdio: ['ignore', output, output],
    // A group of its own, so that the functions end with it.
    detached: true,
  });
  closeSync(output);
  const stop = async () => {
    await endGroup(child);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await untilReady(child, endpoint, log);
  } catch (error) {
    await stop();
    throw error;
  }
  return { endpoint, listeners: () => listenersOf(groupOf(child)), stop };
}

async function untilReady(child: ChildProcess, endpoint: string, log: string): Promise<void> {
  let failure: Error | undefined;
  child.once('error', (error) => {
    failure = error;
  });
  for (let waited = 0; waited < READY_WITHIN_MS; waited += POLL_MS) {
    if (failure !== undefined || child.exitCode !== null) break;
    const response = await fetch(`${endpoint}/_ministack/health`).catch(() => null);
    if (response?.ok === true) return;
    await sleep(POLL_MS);
  }
  const output = readFileSync(log, 'utf8').trim().split('\n').slice(-5);
  throw new SetupError(`${EMULATOR} did not start:`, failure === undefined ? output : [failure.message]);
}

async function endGroup(child: ChildProcess): Promise<void> {
  const { pid } = child;
  if (pid === undefined) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  if (child.exitCode === null && signalGroup(pid, 'SIGTERM'))
    await Promise.race([ended, sleep(ENDS_WITHIN_MS)]);
  signalGroup(pid, 'SIGKILL');
}

/** False if the group has ended. */
function signalGroup(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(-pid, signal);
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return false;
    throw error;
  }
}

/** The processes of the group, from /proc. */
const groupOf = ({ pid }: ChildProcess): string[] =>
  readdirSync('/proc').filter((name) => /^\d+$/.test(name) && groupIdOf(name) === String(pid));

/** Undefined if the process has ended. The name of a program may contain spaces, so read after its bracket. */
function groupIdOf(pid: string): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [, , group] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return group;
  } catch {
    return undefined;
  }
}

/** The addresses on which these processes listen, as `address:port`. */
function listenersOf(pids: readonly string[]): string[] {
  const sockets = new Set(pids.flatMap(socketsOf));
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , state, , , , , , inode = '']) => state === LISTENS && sockets.has(inode))
      .map(([, local = '']) => addressOf(local)),
  );
}

const LISTENS = '0A';

function socketsOf(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`)
      .map((fd) => linkOf(`/proc/${pid}/fd/${fd}`))
      .flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []);
  } catch {
    return []; // the process has ended
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

/** Linux writes an IPv4 address as a little-endian number. Other addresses stay as they are. */
function addressOf(local: string): string {
  const [address = '', port = ''] = local.split(':');
  const bytes = address.match(/../g) ?? [];
  const text = bytes.length === 4 ? bytes.reverse().map(fromHex).join('.') : address;
  return `${text}:${fromHex(port)}`;
}

const fromHex = (text: string): number => Number.parseInt(text, 16);
