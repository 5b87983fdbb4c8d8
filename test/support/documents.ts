import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { Item, Table } from '../../lib/store/table.ts';

type Client = Table['client'];
type Middleware = Client['middlewareStack'];

const opened = new WeakMap<Client, DynamoDBDocumentClient>();

/** A client of the same table for commands with plain values, which only tests send. */
export function documents({ client }: Pick<Table, 'client'>): DynamoDBDocumentClient {
  const { region, credentials, endpoint } = client.config;
  const known =
    opened.get(client) ??
    DynamoDBDocumentClient.from(new DynamoDBClient({ region, credentials, ...(endpoint && { endpoint }) }));
  opened.set(client, known);
  return known;
}

/** Answers the plain commands of a client that reaches no engine. */
export function answerDocuments(
  client: Client,
  answer: (commandName: string, input: unknown) => Promise<{ readonly $metadata: object }>,
): void {
  const documentsOfIt = DynamoDBDocumentClient.from(
    new DynamoDBClient({
      region: 'us-east-1',
      credentials: { accessKeyId: 'none', secretAccessKey: 'none' },
    }),
  );
  documentsOfIt.middlewareStack.add(
    (_next, { commandName }) =>
      async ({ input }) => ({ output: await answer(String(commandName), input), response: undefined }),
    { step: 'initialize', name: 'answer' },
  );
  opened.set(client, documentsOfIt);
}

/** The middleware of the table's client. From now on, the client also runs middleware added between calls. */
export function middlewareOf({ client }: Pick<Table, 'client'>): Middleware {
  client.config.cacheMiddleware = false;
  return client.middlewareStack;
}

/** The requests of the table's client during `run`. */
export async function requestsDuring(
  table: Pick<Table, 'client'>,
  run: () => Promise<unknown>,
): Promise<Item[]> {
  const requests: Item[] = [];
  middlewareOf(table).add(
    (next) => async (args) => {
      requests.push({ ...args.input });
      return next(args);
    },
    { step: 'initialize', name: 'listening' },
  );
  await run().finally(() => middlewareOf(table).remove('listening'));
  return requests;
}
