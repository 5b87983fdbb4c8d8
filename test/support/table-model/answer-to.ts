import * as z from 'zod/mini';
import type { Answer, TableModel } from './model.ts';
import { parseRequest } from './requests.ts';

const item = z.record(z.string(), z.unknown());
const Batch = z.object({
  RequestItems: z.record(
    z.string(),
    z.array(
      z.union([
        z.strictObject({ PutRequest: z.object({ Item: item }) }),
        z.strictObject({ DeleteRequest: z.object({ Key: item }) }),
      ]),
    ),
  ),
});

/**
 * The model's answer to an SDK command. A batch of writes, which only tests send, is written item by item.
 */
export function answerTo(
  model: TableModel,
  commandName: string,
  input: unknown,
): Answer | { readonly $metadata: object; readonly UnprocessedItems: object } {
  if (commandName !== 'BatchWriteItemCommand') return model.execute(parseRequest(commandName, input));
  for (const [TableName, requests] of Object.entries(Batch.parse(input).RequestItems)) {
    for (const request of requests) {
      if ('PutRequest' in request)
        model.execute(parseRequest('PutItemCommand', { TableName, ...request.PutRequest }));
      else model.execute(parseRequest('DeleteItemCommand', { TableName, ...request.DeleteRequest }));
    }
  }
  return { $metadata: {}, UnprocessedItems: {} };
}
