import { randomBytes } from 'node:crypto';
import { CreateTableCommand, DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  DescribeStreamCommand,
  DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
} from '@aws-sdk/client-dynamodb-streams';
import { expect, inject, it } from 'vitest';
import { ledgerTableDefinition } from '../../cli/stage/table.ts';
import { keyIssued } from '../../lib/domain/notices/key-notices.ts';
import { claimNotice, noteFate, putNotice, requeueNotice } from '../../lib/store/notices.ts';
import { openTable, type Table, writeTogether } from '../../lib/store/table.ts';
import { passes } from '../../local/stack/event-source.ts';
import { readTriggers } from '../../local/stack/triggers.ts';
import { customerWith } from '../../test/support/fixtures.ts';
import { useTestCredentials } from '../../test/support/running-stack.ts';
import { testDeps } from '../../test/support/table.ts';

const AT = new Date();

it('the filter of serverless.yml lets only pending notices through a real stream', async () => {
  useTestCredentials();
  const streamed = await streamOf(async (streamed) => {
    const { head } = await customerWith(testDeps(streamed), 50);
    const name = { customerId: head.customerId, kind: 'key_issued', id: 'k' } as const;
    await writeTogether(streamed, [putNotice(keyIssued(head.customerId, 'k', 'customer', AT))]);
    await claimNotice(streamed, name, AT, AT);
    await noteFate(streamed, name, AT, { state: 'failed', failure: 'x' }, AT);
    await requeueNotice(streamed, name, AT, AT);
  });
  const [source] = readTriggers().sources;
  const passed = streamed.filter((record) => passes(record, source?.filters ?? []));
  expect(streamed.length).toBeGreaterThan(passed.length);
  const states = passed.map(({ dynamodb }) => dynamodb?.NewImage?.['state']?.S);
  // The notices of the sign-up and of the new key, and the one that is queued again.
  expect(states).toEqual(['pending', 'pending', 'pending']);
});

/** The stream records of the changes that `work` makes to a table. */
async function streamOf(work: (table: Table) => Promise<void>) {
  const endpoint = inject('dynamodbEndpoint');
  const client = new DynamoDBClient({ endpoint });
  const streams = new DynamoDBStreamsClient({ endpoint });
  const TableName = `streamed-${randomBytes(6).toString('hex')}`;
  await client.send(new CreateTableCommand(ledgerTableDefinition(TableName)));
  await work(openTable({ tableName: TableName, stage: 'test', dynamodbEndpoint: endpoint }));
  const { Table: described } = await client.send(new DescribeTableCommand({ TableName }));
  const StreamArn = described?.LatestStreamArn;
  const { StreamDescription } = await streams.send(new DescribeStreamCommand({ StreamArn }));
  const ShardId = StreamDescription?.Shards?.[0]?.ShardId;
  const from = { StreamArn, ShardId, ShardIteratorType: 'TRIM_HORIZON' } as const;
  const { ShardIterator } = await streams.send(new GetShardIteratorCommand(from));
  const { Records = [] } = await streams.send(new GetRecordsCommand({ ShardIterator }));
  return Records;
}
