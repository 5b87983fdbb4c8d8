import * as z from 'zod/mini';
import type { Key } from '../../../lib/store/keys.ts';
import type { Item } from '../../../lib/store/table.ts';
import { type Bindings, type Condition, parseCondition, parseUpdate } from './expression.ts';

/*
 * Parses the store's requests into kinds. Rejects any other request, because the model does not support it.
 */

const item = z.record(z.string(), z.unknown());
const key = z.strictObject({ pk: z.string(), sk: z.string() });
const expressions = {
  TableName: z.string(),
  ConditionExpression: z.optional(z.string()),
  ExpressionAttributeNames: z.optional(z.record(z.string(), z.string())),
  ExpressionAttributeValues: z.optional(item),
  ReturnValuesOnConditionCheckFailure: z.optional(z.literal('ALL_OLD')),
};
const put = z.strictObject({ ...expressions, Item: item });
const update = z.strictObject({ ...expressions, Key: key, UpdateExpression: z.string() });
const deletion = z.strictObject({ ...expressions, Key: key });
const transact = z.strictObject({
  TransactItems: z
    .array(
      z.strictObject({
        Put: z.optional(put),
        Update: z.optional(update),
        Delete: z.optional(deletion),
        ConditionCheck: z.optional(deletion),
      }),
    )
    .check(z.minLength(1), z.maxLength(100)),
  ClientRequestToken: z.optional(z.string()),
});
const get = z.strictObject({ TableName: z.string(), Key: key, ConsistentRead: z.optional(z.boolean()) });
const batchGet = z.strictObject({
  RequestItems: z.record(
    z.string(),
    z.strictObject({
      Keys: z.array(key).check(z.minLength(1), z.maxLength(100)),
      ConsistentRead: z.optional(z.boolean()),
    }),
  ),
});
const reading = {
  TableName: z.string(),
  FilterExpression: z.optional(z.string()),
  ProjectionExpression: z.optional(z.string()),
  ExpressionAttributeNames: z.optional(z.record(z.string(), z.string())),
  ExpressionAttributeValues: z.optional(item),
  ConsistentRead: z.optional(z.boolean()),
  Limit: z.optional(z.int()),
  ExclusiveStartKey: z.optional(item),
  ReturnConsumedCapacity: z.optional(z.string()),
};
const query = z.strictObject({
  ...reading,
  KeyConditionExpression: z.string(),
  IndexName: z.optional(z.literal('due')),
  ScanIndexForward: z.optional(z.boolean()),
});
const scan = z.strictObject({ ...reading, Segment: z.optional(z.int()), TotalSegments: z.optional(z.int()) });

export type Change =
  | { readonly kind: 'put'; readonly item: Item }
  | { readonly kind: 'update'; readonly expression: string }
  | { readonly kind: 'delete' }
  | { readonly kind: 'check' };

export interface SingleWrite {
  readonly key: Key;
  readonly change: Change;
  readonly condition: string | undefined;
  readonly bindings: Bindings;
  readonly mentions: ReadonlySet<string>;
  readonly returnsOld: boolean;
}

export interface TransactWrite {
  readonly kind: 'transact';
  /** A repeat with the same token is the same write. */
  readonly token: string | undefined;
  readonly writes: readonly SingleWrite[];
}

interface Reading {
  readonly filter: { readonly condition: Condition; readonly mentions: ReadonlySet<string> } | undefined;
  readonly bindings: Bindings;
  readonly projection: readonly string[] | undefined;
  readonly limit: number;
  readonly after: Item | undefined;
}

export interface Query extends Reading {
  readonly kind: 'query';
  readonly condition: string;
  readonly index: string | undefined;
  readonly forward: boolean;
}

export interface Scan extends Reading {
  readonly kind: 'scan';
  readonly index: undefined;
  readonly segment: number;
  readonly of: number;
}

export interface BatchGet {
  readonly kind: 'batch_get';
  readonly TableName: string;
  readonly Keys: readonly Key[];
}

export type Request =
  | { readonly kind: 'get'; readonly Key: Key }
  | BatchGet
  | Query
  | Scan
  | { readonly kind: 'write'; readonly write: SingleWrite }
  | TransactWrite;

/** @throws Error for a request that the model does not support */
export function parseRequest(commandName: string, input: unknown): Request {
  switch (commandName) {
    case 'GetItemCommand':
      return { kind: 'get', Key: get.parse(input).Key };
    case 'BatchGetItemCommand': {
      const [table, ...more] = Object.entries(batchGet.parse(input).RequestItems);
      if (table === undefined || more.length > 0) throw new Error('one table at a time');
      return { kind: 'batch_get', TableName: table[0], Keys: table[1].Keys };
    }
    case 'QueryCommand': {
      const { KeyConditionExpression, IndexName, ScanIndexForward, ...rest } = query.parse(input);
      return {
        kind: 'query',
        condition: KeyConditionExpression,
        index: IndexName,
        forward: ScanIndexForward ?? true,
        ...readingOf(rest),
      };
    }
    case 'ScanCommand': {
      const { Segment = 0, TotalSegments = 1, ...rest } = scan.parse(input);
      return { kind: 'scan', index: undefined, segment: Segment, of: TotalSegments, ...readingOf(rest) };
    }
    case 'PutItemCommand':
      return { kind: 'write', write: putOf(put.parse(input)) };
    case 'UpdateItemCommand':
      return { kind: 'write', write: updateOf(update.parse(input)) };
    case 'DeleteItemCommand':
      return { kind: 'write', write: writeOf(deletion.parse(input), { kind: 'delete' }) };
    case 'TransactWriteItemsCommand':
      return transactOf(transact.parse(input));
    default:
      throw new Error(`The model does not know ${commandName}`);
  }
}

const transactOf = ({ TransactItems, ClientRequestToken }: z.output<typeof transact>): TransactWrite => ({
  kind: 'transact',
  token: ClientRequestToken,
  writes: TransactItems.map(transactedOf),
});

function transactedOf({
  Put,
  Update,
  Delete,
  ConditionCheck,
}: z.output<typeof transact>['TransactItems'][number]): SingleWrite {
  if (Put !== undefined) return putOf(Put);
  if (Update !== undefined) return updateOf(Update);
  if (Delete !== undefined) return writeOf(Delete, { kind: 'delete' });
  if (ConditionCheck !== undefined) return writeOf(ConditionCheck, { kind: 'check' });
  throw new Error('a part of a transaction has no operation');
}

function putOf(written: z.output<typeof put>): SingleWrite {
  const { pk, sk } = key.parse({ pk: written.Item['pk'], sk: written.Item['sk'] });
  return writeOf({ ...written, Key: { pk, sk } }, { kind: 'put', item: written.Item });
}

const updateOf = (written: z.output<typeof update>): SingleWrite =>
  writeOf(written, { kind: 'update', expression: written.UpdateExpression });

function writeOf(written: z.output<typeof deletion>, change: Change): SingleWrite {
  const { ConditionExpression: condition } = written;
  return {
    key: written.Key,
    change,
    condition,
    bindings: bindingsOf(written),
    mentions: new Set([
      ...(condition === undefined ? [] : parseCondition(condition).mentions),
      ...(change.kind === 'update' ? parseUpdate(change.expression).mentions : []),
    ]),
    returnsOld: written.ReturnValuesOnConditionCheckFailure === 'ALL_OLD',
  };
}

function readingOf(read: Omit<z.output<typeof query>, 'KeyConditionExpression'>): Reading {
  const { FilterExpression, ProjectionExpression, Limit, ExclusiveStartKey } = read;
  return {
    filter: FilterExpression === undefined ? undefined : parseCondition(FilterExpression),
    bindings: bindingsOf(read),
    projection: ProjectionExpression?.split(',').map((name) => name.trim()),
    limit: Limit ?? Number.POSITIVE_INFINITY,
    after: ExclusiveStartKey,
  };
}

const bindingsOf = ({
  ExpressionAttributeNames: names = {},
  ExpressionAttributeValues: values = {},
}: Pick<z.output<typeof deletion>, 'ExpressionAttributeNames' | 'ExpressionAttributeValues'>): Bindings => ({
  names,
  values,
});
