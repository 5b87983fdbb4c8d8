import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { CreateTableCommand, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import * as z from 'zod/mini';
import { ledgerTableDefinition } from '../../cli/stage/table.ts';
import { openTable, type Table } from '../../lib/store/table.ts';
import { startEngine } from '../../local/stack/engine.ts';
import { freePort } from '../../local/stack/ports.ts';
import { startAwsDouble } from '../support/aws-double.ts';
import { runInShell } from '../support/cli/shell.ts';
import { customerWith } from '../support/fixtures.ts';
import { openMoney } from '../support/money.ts';

const TABLE = 'rsolv-billing-production';
const HOUR_MS = 3_600_000;
const Request = z.object({
  RecoveryPointArn: z.string(),
  IamRoleArn: z.string(),
  Metadata: z.object({ targetTableName: z.string() }),
});

interface World {
  /** The live table beside which copies are restored. */
  readonly live: Table;
  points: { RecoveryPointArn: string; CreationDate: number; Status: string; ResourceArn: string }[];
  /** What a restore job answers. */
  job: { Status: string; StatusMessage?: string };
  readonly started: z.output<typeof Request>[];
  /** Fills the restored table. */
  fill: (table: Table) => Promise<unknown>;
  tables(): Promise<readonly string[]>;
  run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }>;
}

/** An engine as DynamoDB, and AWS Backup as far as the drill uses it. */
async function world(): Promise<World> {
  const { endpoint, stop } = await startEngine();
  onTestFinished(() => stop());
  const aws = await startAwsDouble('production');
  onTestFinished(() => aws.stop());
  const port = await freePort();
  for (const [name, value] of Object.entries(aws.env)) vi.stubEnv(name, value);
  vi.stubEnv('AWS_ENDPOINT_URL_BACKUP', `http://127.0.0.1:${port}`);
  vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', endpoint);
  onTestFinished(() => void vi.unstubAllEnvs());
  const open = (tableName: string) => {
    const table = openTable({ tableName, stage: 'production', dynamodbEndpoint: endpoint });
    onTestFinished(() => table.client.destroy());
    return table;
  };
  const { StreamSpecification: _, ...shape } = ledgerTableDefinition(TABLE);
  const live = open(TABLE);
  await live.client.send(new CreateTableCommand(shape));
  const point = (id: string, hours: number, Status = 'COMPLETED', table = TABLE) => ({
    RecoveryPointArn: `arn:aws:backup:us-west-2:123456789012:recovery-point:${id}`,
    CreationDate: (Date.now() - hours * HOUR_MS) / 1_000,
    Status,
    ResourceArn: `arn:aws:dynamodb:us-east-1:123456789012:table/${table}`,
  });
  const state: World = {
    live,
    points: [
      point('yesterday', 26),
      point('newest', 2),
      point('unfinished', 1, 'PARTIAL'),
      point('another-table', 0, 'COMPLETED', 'other'),
    ],
    job: { Status: 'COMPLETED' },
    started: [],
    fill: async () => {},
    tables: async () => (await live.client.send(new ListTablesCommand({}))).TableNames ?? [],
    run: (...args) => runInShell(['restore-drill', '--stage', 'production', ...args]),
  };
  const server = createServer((request, response) => {
    const answer = async () => {
      if (request.url?.startsWith('/backup-vaults/') === true) return { RecoveryPoints: state.points };
      if (request.method === 'GET') return state.job;
      const started = Request.parse(JSON.parse(await text(request)));
      state.started.push(started);
      const name = started.Metadata.targetTableName;
      await live.client.send(new CreateTableCommand({ ...shape, TableName: name }));
      await state.fill(open(name));
      return { RestoreJobId: 'job-1' };
    };
    void answer().then((body) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    });
  });
  server.listen(port, '127.0.0.1');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return state;
}

/** A customer with five credits. */
async function fill(table: Table) {
  const ends: (() => Promise<void>)[] = [];
  const { deps } = await openMoney(table, { endWith: (end) => ends.push(end) });
  const customer = await customerWith(deps, 5);
  for (const end of ends) await end();
  return customer.head.customerId;
}

describe('restore-drill', () => {
  it('the newest complete copy is restored beside the table, verified and deleted', async () => {
    const at = await world();
    at.fill = fill;
    const { code, stdout } = await at.run('--json');
    expect([code, JSON.parse(stdout)]).toMatchObject([
      0,
      { ok: true, age_hours: 2, customers: 1, entries: 1, violations: [] },
    ]);
    const [started] = at.started;
    expect(started).toMatchObject({
      RecoveryPointArn: expect.stringMatching(/:newest$/),
      IamRoleArn: 'arn:aws:iam::123456789012:role/rsolv-billing-production-restore-us-west-2',
      Metadata: { targetTableName: expect.stringMatching(/^rsolv-billing-production-drill-\d{14}$/) },
    });
    expect(await at.tables()).toEqual([TABLE]);
  });

  it('a ledger that is wrong in the copy is reported, and the table is deleted all the same', async () => {
    const at = await world();
    at.fill = async (table) => {
      const customerId = await fill(table);
      await table.client.send(
        new UpdateCommand({
          TableName: table.name,
          Key: { pk: `CUSTOMER#${customerId}`, sk: 'LEDGER#HEAD' },
          UpdateExpression: 'SET balance = :wrong',
          ExpressionAttributeValues: { ':wrong': 99 },
        }),
      );
    };
    const { code, stdout } = await at.run('--json');
    const answer = z.looseObject({ violations: z.array(z.unknown()) }).parse(JSON.parse(stdout));
    expect([code, answer.violations.length > 0]).toEqual([1, true]);
    expect(await at.tables()).toEqual([TABLE]);
  });

  it('a restore that fails is reported with its reason, and leaves no table', async () => {
    const at = await world();
    at.job = { Status: 'FAILED', StatusMessage: 'no right to the key' };
    const { code, stdout } = await at.run('--json');
    expect([code, JSON.parse(stdout)]).toMatchObject([
      1,
      { error: { code: 'restore_failed', detail: expect.stringContaining('no right to the key') } },
    ]);
    expect(await at.tables()).toEqual([TABLE]);
  });

  it('a copy of two days ago is reported as too old', async () => {
    const at = await world();
    at.points = at.points.slice(0, 1).map((one) => ({ ...one, CreationDate: one.CreationDate - 86_400 }));
    const { code, stdout } = await at.run();
    expect([code, stdout]).toEqual([1, expect.stringContaining('The copy is 50 hours old, more than 28.')]);
  });

  it('a vault without a copy of the table is refused before anything is restored', async () => {
    const at = await world();
    at.points = at.points.slice(2);
    const { code, stdout } = await at.run('--json');
    expect([code, JSON.parse(stdout)]).toMatchObject([1, { error: { code: 'no_copy' } }]);
    expect(at.started).toEqual([]);
  });

  it('a stage without copies has no drill', async () => {
    const { code, stdout } = await runInShell(['restore-drill', '--stage', 'staging', '--json'], {});
    expect([code, JSON.parse(stdout)]).toMatchObject([2, { error: { code: 'usage' } }]);
  });
});
