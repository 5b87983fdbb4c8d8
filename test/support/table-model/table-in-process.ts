import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import type { Table } from '../../../lib/store/table.ts';
import { TableModel } from './model.ts';
import { parseRequest } from './requests.ts';

const Batch = z.object({
  RequestItems: z.record(
    z.string(),
    z.array(z.object({ PutRequest: z.object({ Item: z.record(z.string(), z.unknown()) }) })),
  ),
});

/**
 * A table in this process that answers as the engine does (checks/simulation/model.test.ts holds them against each other): a test
 * that takes a second on an engine takes milliseconds here. What a test adds to the client comes before it.
 */
export function tableInProcess(): Table {
  const model = new TableModel();
  const client = DynamoDBDocumentClient.from(new DynamoDBClient({}));
  client.middlewareStack.add(
    (_next, context) => async (args) => ({
      output: answered(model, String(context.commandName), args.input),
      response: undefined,
    }),
    { step: 'initialize', priority: 'low', name: 'in-process' },
  );
  return { client, name: 'in-process' };
}

function answered(model: TableModel, commandName: string, input: unknown) {
  if (commandName !== 'BatchWriteItemCommand') return model.execute(parseRequest(commandName, input));
  for (const [TableName, requests] of Object.entries(Batch.parse(input).RequestItems)) {
    for (const { PutRequest } of requests) {
      model.execute(parseRequest('PutItemCommand', { TableName, Item: PutRequest.Item }));
    }
  }
  return { $metadata: {} };
}
