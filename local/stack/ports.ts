import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { DEFAULT_PORTS } from '../../cli/stage/local-settings.ts';
import { errorCode, SetupError } from '../../lib/settings/setup-error.ts';

type Setting = keyof typeof DEFAULT_PORTS;

/** Below those that the system hands out by itself, so that nobody is given one before it is used. */
const CHOSEN_FROM = { first: 20_000, count: 12_000 } as const;
const MAX_TRIES = 50;

/** A port that was free a moment ago: the usual one, if there is one and it was. */
export async function freePort(usual?: number): Promise<number> {
  if (usual !== undefined && (await isFree(usual))) return usual;
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const port = CHOSEN_FROM.first + randomInt(CHOSEN_FROM.count);
    if (await isFree(port)) return port;
  }
  throw new SetupError(`No port is free among ${MAX_TRIES} that were tried.`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (error) {
    if (errorCode(error) === 'EADDRINUSE') return false;
    throw error;
  }
  server.close();
  await once(server, 'close');
  return true;
}

/**
 * `setting` is the variable that the port was, or could have been, chosen with.
 * @throws SetupError when somebody listens on the port, or when this user may not.
 */
export async function assertPortFree(port: number, setting: Setting = 'PORT'): Promise<void> {
  // Both addresses that `localhost` can stand for: a stranger on either would take a part of the requests.
  for (const host of ['127.0.0.1', '::1']) {
    const server = createServer();
    try {
      server.listen({ port, host });
      await once(server, 'listening');
      server.close();
      await once(server, 'close');
    } catch (error) {
      const code = errorCode(error);
      if (code === 'EADDRINUSE') {
        const other = port < 65_535 ? port + 1 : port - 1;
        throw new SetupError(
          `Port ${port} is in use. Stop what listens there, or choose another: ${setting}=${other} npm start`,
        );
      }
      if (code === 'EACCES') {
        throw new SetupError(
          `Port ${port} is not allowed to this user. Choose a higher one: ${setting}=${DEFAULT_PORTS[setting]} npm start`,
        );
      }
      // A machine without IPv6 has no ::1 that somebody could listen on.
      if (host !== '::1') throw error;
    }
  }
}
