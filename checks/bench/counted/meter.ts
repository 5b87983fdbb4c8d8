import { createServer, type IncomingMessage, request } from 'node:http';
import * as z from 'zod/mini';
import type { Between } from '../setting.ts';

/** The capacity that one request consumed, in the units that DynamoDB bills. */
export interface MeteredCall {
  /** For example `TransactWriteItems`. */
  readonly operation: string;
  readonly readUnits: number;
  readonly writeUnits: number;
  /** The part of `writeUnits` that the index consumed. */
  readonly indexWriteUnits: number;
}

export interface Meter extends Between {
  /** The requests answered while `work` ran. Measures one piece of work at a time. */
  measure(work: () => Promise<unknown>): Promise<MeteredCall[]>;
}

const READS: ReadonlySet<string> = new Set(['BatchGetItem', 'GetItem', 'Query', 'Scan']);
const WRITES: ReadonlySet<string> = new Set(['DeleteItem', 'PutItem', 'TransactWriteItems', 'UpdateItem']);

/**
 * A proxy between the functions and the engine. While it measures, it adds the request for consumed capacity,
 * which the functions do not send. It forwards everything else unchanged.
 */
export async function startMeter(engine: string): Promise<Meter> {
  let calls: MeteredCall[] | null = null;
  const failures: string[] = [];
  const server = createServer(async (incoming, outgoing) => {
    const operation = String(incoming.headers['x-amz-target']).replace(/^.*\./, '');
    const sent = await bytesOf(incoming);
    const body = calls === null ? sent : askingForUnits(sent);
    const headers = { ...incoming.headers, 'content-length': String(body.length) };
    const forwarded = request(new URL(incoming.url ?? '/', engine), { method: 'POST', headers });
    forwarded.on('error', () => outgoing.destroy());
    forwarded.on('response', async (answer) => {
      const answered = await bytesOf(answer);
      if (calls !== null && answer.statusCode === 200) calls.push(meteredCall(operation, answered));
      if (calls !== null && answer.statusCode !== 200) failures.push(`${operation}: ${answered}`);
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers).end(answered);
    });
    forwarded.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the meter listens on no port');
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    measure: async (work) => {
      const measured: MeteredCall[] = [];
      calls = measured;
      try {
        await work();
      } finally {
        calls = null;
      }
      // DynamoDB also bills rejected requests, but the engine does not report their units.
      if (failures.length > 0) throw new Error(`a metered request failed: ${failures.join('; ')}`);
      return measured;
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function bytesOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

const Sent = z.looseObject({});

function askingForUnits(body: Buffer): Buffer {
  const sent = Sent.parse(JSON.parse(body.toString()));
  return Buffer.from(JSON.stringify({ ...sent, ReturnConsumedCapacity: 'INDEXES' }));
}

const Units = z.object({ CapacityUnits: z.number() });
const Consumed = z.object({
  CapacityUnits: z.number(),
  GlobalSecondaryIndexes: z.optional(z.record(z.string(), Units)),
});
const Answered = z.object({ ConsumedCapacity: z.union([Consumed, z.array(Consumed)]) });

/** @throws Error for an operation that is not metered */
function meteredCall(operation: string, body: Buffer): MeteredCall {
  const isWrite = WRITES.has(operation);
  if (!isWrite && !READS.has(operation)) throw new Error(`${operation} is not metered`);
  const { ConsumedCapacity } = Answered.parse(JSON.parse(body.toString()));
  const tables = Array.isArray(ConsumedCapacity) ? ConsumedCapacity : [ConsumedCapacity];
  const units = sum(tables.map(({ CapacityUnits }) => CapacityUnits));
  const ofIndex = sum(
    tables.flatMap(({ GlobalSecondaryIndexes = {} }) =>
      Object.values(GlobalSecondaryIndexes).map(({ CapacityUnits }) => CapacityUnits),
    ),
  );
  return {
    operation,
    readUnits: isWrite ? 0 : units,
    writeUnits: isWrite ? units : 0,
    indexWriteUnits: isWrite ? ofIndex : 0,
  };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
