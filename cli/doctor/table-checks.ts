import {
  DescribeContinuousBackupsCommand,
  DescribeTimeToLiveCommand,
  ResourceNotFoundException,
} from '@aws-sdk/client-dynamodb';
import { ListEventSourceMappingsCommand } from '@aws-sdk/client-lambda';
import { ledgerTableDefinition, shapeOf } from '../stage/table.ts';
import { type Check, type Finding, ok, type Remedy, wrong } from './check.ts';
import { deploy, deployOrRecreate, inSequence, orRestart } from './remedies.ts';
import { absentOnLocalStack, type Site } from './site.ts';

const NEEDS_TABLE = ['table'] as const;

/** The table, and the protection of its data. */
export const TABLE_CHECKS: readonly Check<Site>[] = [
  {
    id: 'table',
    title: 'Table',
    run: async (site) => {
      const name = site.definition.tableName;
      try {
        const { TableStatus: status } = await site.table();
        if (status === 'ACTIVE' || status === 'UPDATING') return ok(name);
        return wrong(`${name} is ${status}`, { advice: 'Wait until it is ACTIVE.' });
      } catch (error) {
        if (!(error instanceof ResourceNotFoundException)) throw error;
        return wrong(
          `there is no table ${name}`,
          orRestart(site, {
            ...deploy(site),
            advice:
              'If it existed before, do not deploy: see "Restore from backup" in docs/operate.md. For a ' +
              'first deploy:',
          }),
        );
      }
    },
  },
  {
    id: 'table-keys',
    title: 'Table keys and index',
    needs: NEEDS_TABLE,
    run: async (site) => {
      const { tableName } = site.definition;
      const differences = differencesOf(
        shapeOf(ledgerTableDefinition(tableName)),
        shapeOf(await site.table()),
      );
      if (differences.length === 0) return ok('pk and sk, index due');
      return wrong(`not as in infrastructure/table.yml: ${differences.join('; ')}`, {
        advice:
          'A deploy creates a new index. ' +
          'For a deleted one, see "What was deleted by hand" in docs/operate.md. ' +
          'Keys cannot be changed: restore the right table from a backup.',
      });
    },
  },
  {
    id: 'table-backups',
    title: 'Point-in-time recovery',
    needs: NEEDS_TABLE,
    absentReason: absentOnLocalStack,
    run: async ({ dynamodb, definition: { tableName } }) => {
      const { ContinuousBackupsDescription: backups } = await dynamodb.send(
        new DescribeContinuousBackupsCommand({ TableName: tableName }),
      );
      const { PointInTimeRecoveryStatus: status, EarliestRestorableDateTime: since } =
        backups?.PointInTimeRecoveryDescription ?? {};
      if (status === 'ENABLED') return ok(`since ${since?.toISOString() ?? 'now'}`);
      return wrong('off: deleted or overwritten data is lost', {
        command: [
          'aws dynamodb update-continuous-backups',
          `--table-name ${tableName}`,
          '--point-in-time-recovery-specification PointInTimeRecoveryEnabled=true',
        ],
      });
    },
  },
  {
    id: 'table-deletion-protection',
    title: 'Deletion protection',
    needs: NEEDS_TABLE,
    absentReason: absentOnLocalStack,
    run: async (site) =>
      (await site.table()).DeletionProtectionEnabled === true
        ? ok('on')
        : wrong('off: one call deletes the ledger', updateTable(site, '--deletion-protection-enabled')),
  },
  {
    id: 'table-encryption',
    title: 'Encryption',
    needs: NEEDS_TABLE,
    absentReason: absentOnLocalStack,
    run: async (site) => {
      const { Status: status, SSEType: type } = (await site.table()).SSEDescription ?? {};
      if (status === 'ENABLED' || status === 'UPDATING') return ok(type ?? 'on');
      return wrong('not with a KMS key', updateTable(site, '--sse-specification Enabled=true'));
    },
  },
  {
    id: 'table-expiry',
    title: 'Expiry of old items',
    needs: NEEDS_TABLE,
    run: async (site) => {
      const { tableName, timeToLiveAttribute: expected } = site.definition;
      const { TimeToLiveDescription: expiry } = await site.dynamodb.send(
        new DescribeTimeToLiveCommand({ TableName: tableName }),
      );
      const { TimeToLiveStatus: status, AttributeName: attribute } = expiry ?? {};
      const isOn = status === 'ENABLED' || status === 'ENABLING';
      if (isOn && attribute === expected) return ok(`by ${attribute}`);
      const command = [
        'aws dynamodb update-time-to-live',
        `--table-name ${tableName}`,
        `--time-to-live-specification AttributeName=${expected},Enabled=true`,
      ];
      const detail = isOn ? `by ${attribute}, not by ${expected}` : 'off: nothing ever expires';
      return wrong(detail, orRestart(site, { command }));
    },
  },
  {
    id: 'table-stream',
    title: 'Stream',
    needs: NEEDS_TABLE,
    absentReason: absentOnLocalStack,
    run: async (site) => {
      const expected = site.definition.streamView;
      const { StreamEnabled: isOn, StreamViewType: view } = (await site.table()).StreamSpecification ?? {};
      if (isOn === true && view === expected) return ok(expected);
      const detail = isOn === true ? `view ${view}, not ${expected}` : 'off: no notice is sent';
      // A deploy does not help: CloudFormation does not see changes that were made outside of it.
      const turnOff = isOn === true ? [streamCommand(site, 'StreamEnabled=false')] : [];
      const turnOn = streamCommand(site, `StreamEnabled=true,StreamViewType=${expected}`);
      return wrong(detail, { command: inSequence([...turnOff, turnOn]) });
    },
  },
  {
    id: 'stream-delivery',
    title: 'Stream to deliver-notices',
    needs: ['table-stream'],
    absentReason: absentOnLocalStack,
    run: deliveryOfStream,
  },
];

/** Checks that each stream function of serverless.yml reads this table's stream and is not paused. */
async function deliveryOfStream(site: Site): Promise<Finding> {
  const { LatestStreamArn: stream } = await site.table();
  for (const name of site.definition.streamReaders) {
    const { EventSourceMappings: all = [] } = await site.lambda.send(
      new ListEventSourceMappingsCommand({ FunctionName: name }),
    );
    const mapping = all.find(({ EventSourceArn }) => EventSourceArn === stream);
    if (mapping === undefined) {
      if (all.length === 0)
        return wrong(`${name} reads no stream: no notice is sent`, deployOrRecreate(site));
      return wrong(`${name} reads another table's stream: no notice is sent`, {
        advice: 'CloudFormation must use the new table: "Restore from backup" in docs/operate.md says how.',
      });
    }
    const { State: state, UUID: id } = mapping;
    if (state !== 'Enabled') {
      return wrong(`${name} is ${state}: no notice is sent`, {
        command: ['aws lambda update-event-source-mapping', `--uuid ${id}`, '--enabled'],
      });
    }
  }
  return ok('enabled');
}

const streamCommand = ({ definition }: Site, specification: string): string =>
  `aws dynamodb update-table --table-name ${definition.tableName} --stream-specification ${specification}`;

const updateTable = ({ definition }: Site, change: string): Remedy => ({
  command: ['aws dynamodb update-table', `--table-name ${definition.tableName}`, change],
});

type Shape = ReturnType<typeof shapeOf>;

function differencesOf(expectedShape: Shape, actualShape: Shape): string[] {
  const flat = ({ types, keys, indexes }: Shape) => [
    ...types.map((type) => `attribute ${type}`),
    ...keys.map((key) => `key ${key}`),
    ...indexes.map((index) => `index ${index}`),
  ];
  const [expected, actual] = [flat(expectedShape), flat(actualShape)];
  return [
    ...expected.filter((one) => !actual.includes(one)).map((one) => `${one} is missing`),
    ...actual.filter((one) => !expected.includes(one)).map((one) => `${one} is unexpected`),
  ];
}
