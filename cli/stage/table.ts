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

/** The table as infrastructure/table.yml defines it, under this name. */
export function ledgerTableDefinition(tableName: string): CreateTableCommandInput {
  return { TableName: tableName, ...readServerlessFile().tableProperties };
}

/**
 * Creates the table if it does not exist, and waits until it is active.
 * @throws SetupError if an existing table has other keys or indexes
 */
export async function ensureTable(client: DynamoDBClient, tableName: string): Promise<void> {
  // Created without its stream: in the embedded engine, a growing stream slows down every write. The local
  // stack finds the changes in another way; see event-source.ts.
  const { StreamSpecification: _, ...definition } = ledgerTableDefinition(tableName);
  try {
    await client.send(new CreateTableCommand(definition));
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error;
  }
  const found = await untilActive(client, tableName);
  if (!isDeepStrictEqual(shapeOf(found), shapeOf(definition))) {
    throw new SetupError(
      `The table ${tableName} exists, but its keys or indexes differ from infrastructure/table.yml. ` +
        'Delete it if its data is not needed, or use another engine or DATA_DIR.',
    );
  }
}

/** Enables expiry of old items, as deployed. Does nothing on an engine without expiry. */
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
    // An engine that reports no index state has created the index already.
    const ready = indexes.every(({ IndexStatus }) => (IndexStatus ?? 'ACTIVE') === 'ACTIVE');
    if (Table?.TableStatus === 'ACTIVE' && ready) return Table;
    if (performance.now() > deadline) {
      throw new SetupError(`The table ${tableName} was not ready within ${ACTIVE_WITHIN_MS / 1_000} s.`);
    }
    await delay(POLL_EVERY_MS);
  }
}

/** Keys and indexes, sorted, so that two shapes can be compared. */
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
