import { randomUUID } from 'node:crypto';
import { setImmediate as yieldOnce } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { TableTools } from '../../../lib/store/in-time.ts';
import type { Table } from '../../../lib/store/table.ts';
import { answerDocuments } from '../documents.ts';
import { answerTo } from './answer-to.ts';
import type { TableModel } from './model.ts';
import { answerFromWire } from './wire.ts';

/** No waits: one turn of the event loop is enough for the others to finish. */
const TOOLS: TableTools = {
  sleep: () => yieldOnce(),
  random: Math.random,
  newToken: randomUUID,
  timeLeftMs: () => Number.POSITIVE_INFINITY,
};

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
  const client = new DynamoDBClient({ cacheMiddleware: true });
  // It copies each request and each answer for a log that is not kept.
  client.middlewareStack.remove('loggerMiddleware');
  client.middlewareStack.add(
    (_next, { commandName }) =>
      async ({ input }) =>
        answerFromWire(input, (plain) => answerTo(model, String(commandName), plain)),
    { step: 'initialize', priority: 'low', name: 'in-process' },
  );
  answerDocuments(client, async (commandName, input) => answerTo(model, commandName, input));
  return { client, name, tools: TOOLS };
}
