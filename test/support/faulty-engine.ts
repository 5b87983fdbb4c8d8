import { createServer, request } from 'node:http';
import * as z from 'zod/mini';

/**
 * - `before`: the call does not reach the engine. `after`: it does, but the answer is lost.
 * - `refuse`: the engine does not get the call, and the client gets this error of DynamoDB.
 * - `in_progress`: the engine gets the call, and the client hears that it is not finished.
 * - `unprocessed`: a batch read returns nothing, and all its keys as unprocessed.
 */
export type FaultKind = 'before' | 'after' | 'refuse' | 'in_progress' | 'unprocessed';

export interface EngineFault {
  /** For example `TransactWriteItems`. */
  readonly operation: string;
  readonly when: FaultKind;
  /** The number of calls that fail. */
  readonly times: number;
  /** For `refuse`. */
  readonly error?: DynamoDbError;
}

/** An error as DynamoDB sends it. */
export interface DynamoDbError {
  readonly name: string;
  /** Of a canceled transaction, in the order of its writes. */
  readonly reasons?: readonly string[];
}

export interface FaultyEngine {
  readonly endpoint: string;
  /** The number of calls of an operation so far, failed or not. */
  count(operation: string): number;
  /** Replaces all faults. They strike in this order. */
  fail(...faults: readonly EngineFault[]): void;
  close(): void;
}

const RequestItems = z.object({ RequestItems: z.record(z.string(), z.unknown()) });
const NAMESPACE = 'com.amazonaws.dynamodb.v20120810#';

/** Sits between the service and the engine, cuts connections and answers errors on demand. */
export async function startFaultyEngine(target: string): Promise<FaultyEngine> {
  let faults: readonly EngineFault[] = [];
  const counts = new Map<string, number>();
  const takeFault = (operation: string): EngineFault | null => {
    counts.set(operation, (counts.get(operation) ?? 0) + 1);
    const [fault, ...later] = faults.filter(({ times }) => times > 0);
    if (fault === undefined || fault.operation !== operation) return null;
    faults = [{ ...fault, times: fault.times - 1 }, ...later];
    return fault;
  };
  const server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(Buffer.from(chunk));
    const body = Buffer.concat(chunks);
    const { method = 'POST', url = '/', headers } = incoming;
    const taken = takeFault(String(headers['x-amz-target']).replace(/^.*\./, ''));
    const answer = (status: number, json: object) =>
      outgoing.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(json));
    if (taken?.when === 'before') return void outgoing.destroy();
    if (taken?.when === 'refuse') return void answer(400, bodyOf(taken.error));
    if (taken?.when === 'unprocessed') {
      const { RequestItems: UnprocessedKeys } = RequestItems.parse(JSON.parse(body.toString()));
      return void answer(200, { Responses: {}, UnprocessedKeys });
    }
    const forwarded = request(new URL(url, target), { method, headers }, (real) => {
      if (taken === null) {
        outgoing.writeHead(real.statusCode ?? 500, real.headers);
        real.pipe(outgoing);
        return;
      }
      real.resume().on('end', () => {
        if (taken.when === 'after') outgoing.destroy();
        else answer(400, bodyOf({ name: 'TransactionInProgressException' }));
      });
    });
    forwarded.on('error', () => outgoing.destroy());
    forwarded.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    count: (operation) => counts.get(operation) ?? 0,
    fail: (...next) => {
      faults = next;
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

const bodyOf = ({ name, reasons }: DynamoDbError = { name: 'InternalServerError' }) => ({
  __type: NAMESPACE + name,
  Message: name,
  ...(reasons && { CancellationReasons: reasons.map((Code) => ({ Code })) }),
});
