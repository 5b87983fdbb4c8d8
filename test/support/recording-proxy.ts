import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as z from 'zod/mini';
import { readTogether, type Table } from '../../lib/store/table.ts';

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

const Keys = z.object({ pk: z.object({ S: z.string() }), sk: z.object({ S: z.string() }) });
const Transaction = z.object({
  TransactItems: z.array(
    z.object({
      Put: z.optional(z.object({ Item: z.looseObject(Keys.shape) })),
      Update: z.optional(z.object({ Key: Keys })),
      ConditionCheck: z.optional(z.object({ Key: Keys })),
      Delete: z.optional(z.object({ Key: Keys })),
    }),
  ),
});

const WCU_BYTES = 1024;

/**
 * The cost of a transaction: two write units per started kilobyte of each item as it is stored afterwards. As
 * JSON an item is longer than DynamoDB counts it, so this is an upper bound.
 */
export async function transactionWriteUnits(table: Table, { body }: RecordedCall): Promise<number> {
  const { TransactItems } = Transaction.parse(JSON.parse(body));
  const written = TransactItems.map(({ Put, Update, ConditionCheck, Delete }) => {
    const key = Put?.Item ?? Update?.Key ?? ConditionCheck?.Key ?? Delete?.Key;
    return { pk: key?.pk.S ?? '', sk: key?.sk.S ?? '' };
  });
  const stored = await readTogether(table, written);
  return stored.reduce(
    (units, item) => units + 2 * Math.ceil(JSON.stringify(item ?? {}).length / WCU_BYTES),
    0,
  );
}
