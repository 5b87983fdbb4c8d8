import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { DynamoDBServiceException } from '@aws-sdk/client-dynamodb';
import * as z from 'zod/mini';
import { answerTo } from './answer-to.ts';
import { TableModel } from './model.ts';
import { errorToWire, fromWire, toWire } from './wire.ts';

/*
 * An engine in this process: table models behind DynamoDB's protocol, for code that gets its table's address
 * from the environment. The whole SDK runs, including retries.
 */

const Transaction = z.object({ ClientRequestToken: z.string() });
/** The table of a request. All parts of a request use the same table. */
const TABLE = /"TableName":"([^"]+)"|"RequestItems":\{"([^"]+)"/;

export class ModelEngine {
  readonly #tables = new Map<string, TableModel>();
  /** Tokens of committed transactions. A repeated token returns success without a second write. */
  readonly #written = new Set<string>();
  #endpoint: Promise<string> | undefined;

  /** Adds an empty table. */
  newTable(): { readonly name: string; readonly model: TableModel } {
    const name = `model-${randomBytes(6).toString('hex')}`;
    const model = new TableModel();
    this.#tables.set(name, model);
    return { name, model };
  }

  /** Returns the engine's address. It listens from the first call until the process ends. */
  endpoint(): Promise<string> {
    this.#endpoint ??= this.#listen();
    return this.#endpoint;
  }

  async #listen(): Promise<string> {
    const server = createServer((request, response) => void this.#reply(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    server.unref();
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the model listens on no port');
    return `http://127.0.0.1:${address.port}`;
  }

  async #reply(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const operation = String(request.headers['x-amz-target']).replace(/^.*\./, '');
    const { status, body } = this.#answer(operation, await text(request));
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(body));
  }

  #answer(operation: string, body: string): { readonly status: number; readonly body: unknown } {
    try {
      const sent: unknown = JSON.parse(body);
      const token = Transaction.safeParse(sent).data?.ClientRequestToken;
      if (token !== undefined && this.#written.has(token)) return { status: 200, body: {} };
      const answer = answerTo(this.#tableOf(body), `${operation}Command`, fromWire(sent));
      if (token !== undefined) this.#written.add(token);
      return { status: 200, body: toWire(answer) };
    } catch (error) {
      return { status: 400, body: errorToWire(error) };
    }
  }

  /** @throws DynamoDBServiceException for an unknown table */
  #tableOf(body: string): TableModel {
    const [, single, batch] = TABLE.exec(body) ?? [];
    const table = this.#tables.get(single ?? batch ?? '');
    if (table !== undefined) return table;
    throw new DynamoDBServiceException({
      name: 'ResourceNotFoundException',
      message: 'Requested resource not found',
      $fault: 'client',
      $metadata: {},
    });
  }
}
