import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
  ResourceInUseException,
  type TableDescription,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import { SetupError } from '../../lib/settings/setup-error.ts';
import { readServerlessFile } from './serverless-file.ts';

const ACTIVE_WITHIN_MS = 30_000;
const POLL_EVERY_MS = 50;

/** The ledger's table as it is deployed: the definition in serverless.yml, under this name. */
export function ledgerTableDefinition(tableName: string): CreateTableCommandInput {
  return { TableName: tableName, ...readServerlessFile().tableProperties };
}

/**
 * Creates the ledger's table unless it is there, and waits until it can be used.
 * @throws SetupError when a table of that name has another shape.
 */
export async function ensureTable(client: DynamoDBClient, tableName: string): Promise<void> {
  // Without its stream: the embedded engine takes the longer for each write, the more a stream holds. What the stream brings
  // is found in another way; see event-source.ts.
  const { StreamSpecification: _, ...wanted } = ledgerTableDefinition(tableName);
  try {
    await client.send(new CreateTableCommand(wanted));
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error;
  }
  const found = await untilActive(client, tableName);
  if (!isDeepStrictEqual(shapeOf(found), shapeOf(wanted))) {
    throw new SetupError(
      `The table ${tableName} exists with other keys or indexes than serverless.yml says. ` +
        'Delete it if its data is not needed, or use another engine or DATA_DIR.',
    );
  }
}

/** Lets old items expire, as deployed. An engine that keeps everything for ever will do too. */
export async function ensureExpiry(client: DynamoDBClient, tableName: string): Promise<void> {
  const { TimeToLiveDescription: expiry } = await client.send(
    new DescribeTimeToLiveCommand({ TableName: tableName }),
  );
  if (expiry?.TimeToLiveStatus !== 'DISABLED') return;
  const TimeToLiveSpecification = { AttributeName: readServerlessFile().expiryAttribute, Enabled: true };
  await client.send(new UpdateTimeToLiveCommand({ TableName: tableName, TimeToLiveSpecification }));
}

async function untilActive(client: DynamoDBClient, tableName: string): Promise<TableDescription> {
  const deadline = performance.now() + ACTIVE_WITHIN_MS;
  for (;;) {
    const { Table } = await client.send(new DescribeTableCommand({ TableName: tableName }));
    const indexes = Table?.GlobalSecondaryIndexes ?? [];
    // An engine that keeps no state for an index has it ready at once.
    const ready = indexes.every(({ IndexStatus }) => (IndexStatus ?? 'ACTIVE') === 'ACTIVE');
    if (Table?.TableStatus === 'ACTIVE' && ready) return Table;
    if (performance.now() > deadline) {
      throw new SetupError(`The table ${tableName} was not ready within ${ACTIVE_WITHIN_MS / 1_000} s.`);
    }
    await delay(POLL_EVERY_MS);
  }
}

/** Keys and indexes, in an order that does not depend on who lists them. */
export function shapeOf(table: CreateTableCommandInput | TableDescription) {
  const keysOf = (schema: CreateTableCommandInput['KeySchema']) =>
    (schema ?? []).map(({ AttributeName, KeyType }) => `${KeyType} ${AttributeName}`).sort();
  return {
    types: (table.AttributeDefinitions ?? []).map((a) => `${a.AttributeName} ${a.AttributeType}`).sort(),
    keys: keysOf(table.KeySchema),
    indexes: (table.GlobalSecondaryIndexes ?? [])
      .map(({ IndexName, KeySchema, Projection }) =>
        [
          IndexName,
          ...keysOf(KeySchema),
          Projection?.ProjectionType,
          ...(Projection?.NonKeyAttributes ?? []),
        ].join(' '),
      )
      .sort(),
  };
}
