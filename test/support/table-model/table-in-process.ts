import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { Table } from '../../../lib/store/table.ts';
import { answerTo } from './answer-to.ts';
import type { TableModel } from './model.ts';

/**
 * A table in this process that answers like the engine (checks/simulation/model.test.ts compares them). It
 * takes milliseconds where an engine takes a second. Middleware that a test adds to the client runs first.
 */
export function tableInProcess({
  name,
  model,
}: {
  readonly name: string;
  readonly model: TableModel;
}): Table {
  const client = DynamoDBDocumentClient.from(new DynamoDBClient({}));
  client.middlewareStack.add(
    (_next, context) => async (args) => ({
      output: answerTo(model, String(context.commandName), args.input),
      response: undefined,
    }),
    { step: 'initialize', priority: 'low', name: 'in-process' },
  );
  return { client, name };
}
