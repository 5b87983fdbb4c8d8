import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import * as z from 'zod/mini';
import { reasonOf, SetupError } from '../../lib/settings/setup-error.ts';

export const PROJECT_ROOT = join(import.meta.dirname, '../..');
/** The stage that the local stack runs as. */
export const LOCAL_STAGE = 'dev';

const Attribute = z.object({ AttributeName: z.string(), AttributeType: z.enum(['S', 'N', 'B']) });
const KeySchema = z.array(z.object({ AttributeName: z.string(), KeyType: z.enum(['HASH', 'RANGE']) }));

const ServerlessFile = z.object({
  custom: z.object({
    tableName: z.string(),
    corsOrigins: z.record(z.string(), z.array(z.string())),
  }),
});

const TableFile = z.object({
  Resources: z.object({
    LedgerTable: z.object({
      // Only what CreateTable needs. Zod drops the rest, such as backups and encryption, which only AWS has.
      Properties: z.object({
        AttributeDefinitions: z.array(Attribute),
        KeySchema,
        GlobalSecondaryIndexes: z.array(
          z.object({
            IndexName: z.string(),
            KeySchema,
            Projection: z.object({
              ProjectionType: z.enum(['ALL', 'KEYS_ONLY', 'INCLUDE']),
              NonKeyAttributes: z.optional(z.array(z.string())),
            }),
          }),
        ),
        BillingMode: z.enum(['PAY_PER_REQUEST', 'PROVISIONED']),
        // In CloudFormation a view type enables the stream. CreateTable needs both values.
        StreamSpecification: z.pipe(
          z.object({ StreamViewType: z.enum(['NEW_IMAGE', 'OLD_IMAGE', 'NEW_AND_OLD_IMAGES', 'KEYS_ONLY']) }),
          z.transform(({ StreamViewType }) => ({ StreamEnabled: true, StreamViewType })),
        ),
        TimeToLiveSpecification: z.object({ AttributeName: z.string() }),
      }),
    }),
  }),
});

export interface LocalService {
  readonly tableName: string;
  /** Web origins whose pages may call the API. */
  readonly allowedOrigins: readonly string[];
  /** The input for CreateTable. */
  readonly tableProperties: Omit<TableProperties, 'TimeToLiveSpecification'>;
  /** The attribute with an item's expiry time. */
  readonly expiryAttribute: string;
}

type TableProperties = z.output<typeof TableFile>['Resources']['LedgerTable']['Properties'];

let service: LocalService | undefined;

/** The settings of the local stage, from serverless.yml and infrastructure/table.yml. Read once. */
export function readServerlessFile(): LocalService {
  service ??= readFiles();
  return service;
}

function readFiles(): LocalService {
  const { custom } = parseFile(ServerlessFile, 'serverless.yml');
  const { Resources } = parseFile(TableFile, 'infrastructure/table.yml');
  const { TimeToLiveSpecification, ...tableProperties } = Resources.LedgerTable.Properties;
  return {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Serverless's own variable
    tableName: custom.tableName.replace('${sls:stage}', LOCAL_STAGE),
    allowedOrigins: custom.corsOrigins[LOCAL_STAGE] ?? custom.corsOrigins['default'] ?? [],
    tableProperties,
    expiryAttribute: TimeToLiveSpecification.AttributeName,
  };
}

function parseFile<Schema extends z.ZodMiniType>(schema: Schema, name: string): z.output<Schema> {
  const path = join(PROJECT_ROOT, name);
  try {
    // Only the plain value of CloudFormation tags like !Sub is needed. The log level hides a warning for
    // each.
    return schema.parse(parse(readFileSync(path, 'utf8'), { logLevel: 'error' }));
  } catch (error) {
    throw new SetupError(`${path} cannot be used: ${reasonOf(error)}`);
  }
}
