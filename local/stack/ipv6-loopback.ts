import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { pipeline } from 'node:stream';
import { errorCode } from '../../lib/settings/setup-error.ts';

export interface Relay {
  stop(): Promise<void>;
}

/** No IPv6 on this machine, or another program listens on the port. */
const NO_RELAY: ReadonlySet<string | undefined> = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EADDRINUSE']);

/**
 * Forwards connections on ::1 to the same port of 127.0.0.1, for clients that resolve `localhost` to ::1
 * only. Does nothing if ::1 is not available.
 */
export async function relayFromIpv6(port: number): Promise<Relay> {
  const sockets = new Set<Socket>();
  const track = (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  };
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const service = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    track(client);
    track(service);
    const end = () => {
      client.destroy();
      service.destroy();
    };
    pipeline(client, service, (error) => error && end());
    pipeline(service, client, (error) => error && end());
  });
  server.listen({ port, host: '::1' });
  try {
    await once(server, 'listening');
  } catch (error) {
    if (NO_RELAY.has(errorCode(error))) return { stop: async () => {} };
    throw error;
  }
  return {
    stop: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
