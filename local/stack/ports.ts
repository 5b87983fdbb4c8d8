import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { DEFAULT_PORTS, type PortSetting } from '../../cli/stage/local-settings.ts';
import { errorCode, SetupError } from '../../lib/settings/setup-error.ts';

/** Below the system's ephemeral ports, so that the system does not assign a port before it is used. */
const PORT_RANGE = { first: 20_000, count: 12_000 } as const;
const MAX_TRIES = 50;

/** A port that was free a moment ago: the preferred one, or else a random one. */
export async function freePort(preferred?: number): Promise<number> {
  if (preferred !== undefined && (await isFree(preferred))) return preferred;
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const port = PORT_RANGE.first + randomInt(PORT_RANGE.count);
    if (await isFree(port)) return port;
  }
  throw new SetupError(`Found no free port in ${MAX_TRIES} tries.`);
}

/** The addresses of `localhost`. Another program on either of them would receive some of the requests. */
const LOOPBACK = ['127.0.0.1', '::1'] as const;

async function isFree(port: number): Promise<boolean> {
  for (const host of LOOPBACK) {
    const fault = await listenFault(host, port);
    if (errorCode(fault) === 'EADDRINUSE') return false;
    // A machine without IPv6 has no ::1 to listen on.
    if (fault !== null && host !== '::1') throw fault;
  }
  return true;
}

/** The error of listening on the port. Null if it is free. */
async function listenFault(host: string, port: number): Promise<unknown> {
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
 * @param setting the variable that sets this port
 * @throws SetupError if the port is in use, or this user may not listen on it
 */
export async function assertPortFree(port: number, setting: PortSetting = 'PORT'): Promise<void> {
  for (const host of LOOPBACK) {
    const fault = await listenFault(host, port);
    switch (errorCode(fault)) {
      case 'EADDRINUSE': {
        const other = port < 65_535 ? port + 1 : port - 1;
        throw new SetupError(
          `Port ${port} is in use. Stop its program, or choose another port: ${setting}=${other} npm start`,
        );
      }
      case 'EACCES':
        throw new SetupError(
          `This user may not listen on port ${port}. ` +
            `Choose a higher one: ${setting}=${DEFAULT_PORTS[setting]} npm start`,
        );
      default:
        // A machine without IPv6 has no ::1 to listen on.
        if (fault !== null && host !== '::1') throw fault;
    }
  }
}
