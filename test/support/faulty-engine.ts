import { createServer, request } from 'node:http';

/** `before`: the call does not reach the engine. `after`: it does, but the answer is lost. */
export interface EngineFault {
  /** For example `TransactWriteItems`. */
  readonly operation: string;
  readonly when: 'before' | 'after';
  /** The number of calls that fail. */
  readonly times: number;
}

export interface FaultyEngine {
  readonly endpoint: string;
  fail(fault: EngineFault): void;
  close(): void;
}

/** Sits between the service and the engine, and cuts connections on demand. */
export async function startFaultyEngine(target: string): Promise<FaultyEngine> {
  let fault: EngineFault | null = null;
  const takeFault = (operation: string): EngineFault['when'] | null => {
    if (fault === null || fault.times === 0 || fault.operation !== operation) return null;
    fault = { ...fault, times: fault.times - 1 };
    return fault.when;
  };
  const server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(Buffer.from(chunk));
    const { method = 'POST', url = '/', headers } = incoming;
    const fails = takeFault(String(headers['x-amz-target']).replace(/^.*\./, ''));
    if (fails === 'before') return void outgoing.destroy();
    const forwarded = request(new URL(url, target), { method, headers }, (answer) => {
      if (fails === 'after') {
        answer.resume().on('end', () => outgoing.destroy());
        return;
      }
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(outgoing);
    });
    forwarded.on('error', () => outgoing.destroy());
    forwarded.end(Buffer.concat(chunks));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    fail: (next) => {
      fault = next;
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
