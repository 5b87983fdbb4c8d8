import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { TableTools } from '../../../lib/store/in-time.ts';
import type { Table } from '../../../lib/store/table.ts';
import { answerDocuments } from '../../../test/support/documents.ts';
import type { Answer, TableModel } from '../../../test/support/table-model/model.ts';
import { parseRequest, type Request } from '../../../test/support/table-model/requests.ts';
import { answerFromWire } from '../../../test/support/table-model/wire.ts';

/**
 * A table with the SDK's own client, in which `answer` takes the place of the network. A request that the
 * model cannot parse is also reported to `onUnreadable`, because the store treats every failure as an outage.
 */
export function answeredTable(
  answer: (request: Request) => Promise<Answer>,
  onUnreadable: (error: unknown) => void,
  tools: TableTools,
): Table {
  const read = (commandName: string, input: unknown): Request => {
    try {
      return parseRequest(commandName, input);
    } catch (error) {
      onUnreadable(error);
      throw error;
    }
  };
  const client = new DynamoDBClient({
    region: 'us-east-1',
    credentials: { accessKeyId: 'none', secretAccessKey: 'nothing' },
  });
  client.middlewareStack.add(
    (_next, { commandName }) =>
      async ({ input }) =>
        answerFromWire(input, (plain) => answer(read(String(commandName), plain))),
    { step: 'initialize', priority: 'high', name: 'answered' },
  );
  answerDocuments(client, (commandName, input) => answer(read(commandName, input)));
  return { client, name: 'simulated', tools };
}

/** A table without faults. */
export const modelTable = (model: TableModel): Table =>
  answeredTable(
    async (request) => model.execute(request),
    (error) => {
      throw error;
    },
    {
      sleep: async () => {},
      random: () => 0.5,
      newToken: tokens(),
      timeLeftMs: () => Number.POSITIVE_INFINITY,
    },
  );

/** Numbered idempotency tokens, so that a run is the same every time. */
export function tokens(): () => string {
  let count = 0;
  return () => {
    count += 1;
    return `token-${count}`;
  };
}
