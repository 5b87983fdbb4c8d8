import { once } from 'node:events';
import { createServer } from 'node:net';
import { errorCode, SetupError } from './setup-error.ts';

/** Where things listen unless told otherwise. */
export const DEFAULT_PORTS = { PORT: 4_000, STRIPE_PORT: 8_420 } as const;
type Setting = keyof typeof DEFAULT_PORTS;

/** A port that was free a moment ago: this one if it was. */
export async function freePort(usual = 0): Promise<number> {
  const server = createServer().listen(usual, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (error) {
    if (usual === 0 || errorCode(error) !== 'EADDRINUSE') throw error;
    return freePort();
  }
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('A listening server has no port.');
  return address.port;
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
