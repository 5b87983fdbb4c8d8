import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { DEFAULT_PORTS, type PortSetting } from '../../cli/stage/local-settings.ts';
import { errorCode, SetupError } from '../../lib/settings/setup-error.ts';

/** Below the ports that the system hands out, so that none of these is given away before it is used. */
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

/** The addresses that `localhost` stands for: a stranger on either would take a part of the requests. */
const LOOPBACK = ['127.0.0.1', '::1'] as const;

async function isFree(port: number): Promise<boolean> {
  for (const host of LOOPBACK) {
    const fault = await faultAt(host, port);
    if (errorCode(fault) === 'EADDRINUSE') return false;
    // A machine without IPv6 has no ::1 to listen on.
    if (fault !== null && host !== '::1') throw fault;
  }
  return true;
}

/** What keeps us from listening there; null when nothing does. */
async function faultAt(host: string, port: number): Promise<unknown> {
  const server = createServer();
  try {
    server.listen({ port, host });
    await once(server, 'listening');
  } catch (error) {
    return error;
  }
  server.close();
  await once(server, 'close');
  return null;
}

/**
 * `setting` is the variable that the port was, or could have been, chosen with.
 * @throws SetupError when the port is taken, or this user may not listen there.
 */
export async function assertPortFree(port: number, setting: PortSetting = 'PORT'): Promise<void> {
  for (const host of LOOPBACK) {
    const fault = await faultAt(host, port);
    switch (errorCode(fault)) {
      case 'EADDRINUSE': {
        const other = port < 65_535 ? port + 1 : port - 1;
        throw new SetupError(
          `Port ${port} is in use. Stop what listens there, or choose another: ${setting}=${other} npm start`,
        );
      }
      case 'EACCES':
        throw new SetupError(
          `Port ${port} is not allowed to this user. Choose a higher one: ${setting}=${DEFAULT_PORTS[setting]} npm start`,
        );
      default:
        // A machine without IPv6 has no ::1 to listen on.
        if (fault !== null && host !== '::1') throw fault;
    }
  }
}
