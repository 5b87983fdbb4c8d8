import { once } from 'node:events';
import { access, constants, mkdir, stat } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { errorCode, reasonOf, SetupError } from '../../lib/settings/setup-error.ts';

const HOLDER_ANSWER_MS = 500;

export interface DataDirLock {
  release(): Promise<void>;
}

/**
 * Creates the folder and locks it against other stacks. The lock is a socket name in Linux's abstract
 * namespace. The kernel gives it to one process and releases it when that process ends, even after `kill -9`.
 * So there is never a stale lock. A second stack can ask the socket for the holder's process id. (The engine
 * that stores data in a folder exists for Linux only.)
 * @throws SetupError if the folder cannot be used, or another stack uses it
 */
export async function lockDataDir(dataDir: string): Promise<DataDirLock> {
  await makeDataDir(dataDir);
  const name = await lockName(dataDir);
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.end(String(process.pid));
  });
  try {
    server.listen({ path: name });
    await once(server, 'listening');
  } catch (error) {
    if (errorCode(error) !== 'EADDRINUSE') throw error;
    const holder = await askHolder(name);
    throw new SetupError(
      `DATA_DIR ${dataDir} is in use by another stack${holder}. Stop that stack, or choose another folder.`,
    );
  }
  server.unref();
  return {
    release: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}

/** @throws SetupError if the folder cannot be created or written */
export async function makeDataDir(dataDir: string): Promise<void> {
  try {
    await mkdir(dataDir, { recursive: true });
    await access(dataDir, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new SetupError(
      `DATA_DIR ${dataDir} cannot be used: ${reasonOf(error)}. Choose a folder you can write to.`,
    );
  }
}

/** Uses the folder's device and inode, because its path may contain links. */
async function lockName(dataDir: string): Promise<string> {
  const { dev, ino } = await stat(dataDir, { bigint: true });
  return `\0rsolv-billing-data-${dev}-${ino}`;
}

async function askHolder(name: string): Promise<string> {
  const socket = connect({ path: name });
  let pid = '';
  socket.on('data', (chunk) => {
    pid += chunk.toString();
  });
  await Promise.race([once(socket, 'close'), delay(HOLDER_ANSWER_MS)]).catch(() => {});
  socket.destroy();
  return /^\d+$/.test(pid) ? ` (process ${pid})` : '';
}
