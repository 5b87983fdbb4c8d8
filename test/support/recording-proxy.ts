import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as z from 'zod/mini';

export interface RecordedCall {
  /** For example `TransactWriteItems`. */
  readonly operation: string;
  readonly body: string;
}

export interface RecordingProxy {
  readonly endpoint: string;
  /** The calls that reached the engine while `work` ran. */
  record(work: () => Promise<unknown>): Promise<RecordedCall[]>;
  close(): void;
}

/** Records the calls between the service and the engine, so that tests count them on the wire. */
export async function startRecordingProxy(target: string): Promise<RecordingProxy> {
  let calls: RecordedCall[] = [];
  const server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(Buffer.from(chunk));
    const body = Buffer.concat(chunks);
    const operation = String(incoming.headers['x-amz-target']).replace(/^.*\./, '');
    calls.push({ operation, body: body.toString() });
    const { method = 'POST', url = '/', headers } = incoming;
    const forwarded = request(new URL(url, target), { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(outgoing);
    });
    forwarded.on('error', () => outgoing.destroy());
    forwarded.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    async record(work) {
      calls = [];
      await work();
      return calls;
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

const Transaction = z.object({
  TransactItems: z.array(z.record(z.string(), z.record(z.string(), z.unknown()))),
});

const WCU_BYTES = 1024;

/**
 * The cost of a transaction: two write units per started kilobyte of each item. The request gives an upper
 * bound.
 */
export function transactionWriteUnits({ body }: RecordedCall): number {
  const { TransactItems } = Transaction.parse(JSON.parse(body));
  return TransactItems.reduce(
    (units, item) => units + 2 * Math.ceil(JSON.stringify(item).length / WCU_BYTES),
    0,
  );
}
