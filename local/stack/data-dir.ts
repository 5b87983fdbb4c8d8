import { once } from 'node:events';
import { access, constants, mkdir, stat } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { errorCode, reasonOf, SetupError } from '../../lib/settings/setup-error.ts';

const HOLDER_ANSWER_MS = 500;

export interface DataDirHold {
  release(): Promise<void>;
}

/**
 * Makes the folder and keeps other stacks out of it. The lock is a socket name in Linux's abstract namespace, which the
 * kernel gives to one process and takes back when that process ends, even by `kill -9`: there is no stale lock. Whoever
 * is refused can ask it who the holder is. (The engine that keeps data in a folder exists for Linux only.)
 * @throws SetupError when the folder cannot be used, or another stack uses it.
 */
export async function holdDataDir(dataDir: string): Promise<DataDirHold> {
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
      `DATA_DIR ${dataDir} is in use by another running stack${holder}. Stop that one, or choose another folder.`,
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

/** @throws SetupError when there can be no such folder, or not one to write to. */
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

/** The folder's identity rather than its path, which may lead through links. */
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
