import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface LocalServer {
  readonly endpoint: string;
  /** Open and past connections. */
  readonly sockets: readonly Socket[];
}

/** A server that answers with `handle` until the test ends. */
export async function serve(
  handle: (request: IncomingMessage, response: ServerResponse, count: number) => void,
): Promise<LocalServer> {
  let count = 0;
  const sockets: Socket[] = [];
  const server = createServer((request, response) => {
    count += 1;
    request.resume().once('end', () => handle(request, response, count));
  });
  server.on('connection', (socket) => sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { endpoint: `http://127.0.0.1:${address.port}`, sockets };
}
