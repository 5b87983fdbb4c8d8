import { TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb';
import {
  BatchGetCommand,
  DeleteCommand,
  PutCommand,
  QueryCommand,
  ScanCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { CONDITIONS } from '../../../lib/store/conditions.ts';
import type { Key } from '../../../lib/store/keys.ts';
import { type Item, named, type Table, type Write } from '../../../lib/store/table.ts';
import { documents } from '../../../test/support/documents.ts';
import type { Random } from '../random.ts';

/*
 * Random requests with the conditions and updates that the store uses. There are so few items and values that
 * requests affect each other.
 */

const PARTITIONS = ['CUSTOMER#a', 'CUSTOMER#b', 'EVENT#e'] as const;
const SORT_KEYS = [
  'LEDGER#000000000001',
  'LEDGER#000000000002',
  'LEDGER#HEAD',
  'FIX#1',
  'FIX#2',
  'ONCE#x',
] as const;
const STATES = ['pending', 'sending', 'charging', 'closed', 'held'] as const;
const TIMES = ['2026-01-01', '2026-01-02', '2026-01-03'] as const;

const SOME: readonly string[] = [
  ...Object.values(CONDITIONS),
  // More of the expression language than the store uses.
  'NOT attribute_exists(seq) AND (seq <> :seq OR revision >= :revision)',
  'revision BETWEEN :low AND :high',
  'begins_with(customer_id, :prefix) OR charge.attempt > :attempt',
  'hits[1] = :oldest OR NOT (claimed_at > :claimed)',
];

/** The updates. `needs` is the condition that an update requires. */
const UPDATES: readonly { readonly change: string; readonly needs?: string }[] = [
  { change: 'ADD active_keys :one' },
  { change: 'ADD letters :one' },
  {
    change:
      'SET account_keys = if_not_exists(account_keys, active_keys) + :one, active_keys = active_keys + :one',
    needs: 'attribute_exists(active_keys)',
  },
  { change: 'SET revoked_at = :claimed' },
  { change: 'SET due = :due, due_at = :claimed' },
  { change: 'REMOVE due, due_at' },
  { change: 'SET #state = :to, claimed_at = :claimed ADD attempts :one' },
  { change: 'SET charge = :charge REMOVE due, due_at' },
  { change: 'SET seq = :seq, revision = :revision' },
  { change: 'SET seq = seq + :one', needs: 'attribute_exists(seq)' },
  { change: 'SET hits = list_append(if_not_exists(hits, :none), :hit)' },
  { change: 'SET charge.#state = :to', needs: 'attribute_exists(charge)' },
];

const NAMES: Readonly<Record<string, string>> = { '#state': 'state', '#version': 'version' };

const VALUES: Readonly<Record<string, (random: Random) => unknown>> = {
  ':seq': (random) => random.int(0, 2),
  ':revision': (random) => random.int(0, 2),
  ':low': (random) => random.int(0, 1),
  ':high': (random) => random.int(1, 2),
  ':attempt': (random) => random.int(1, 2),
  ':state': (random) => random.pick(STATES),
  ':pending': () => 'pending',
  ':failed': () => 'failed',
  ':sending': () => 'sending',
  ':held': () => 'held',
  ':scheduled': () => 'scheduled',
  ':to': (random) => random.pick(STATES),
  ':customer': (random) => random.pick(['a', 'b']),
  ':prefix': (random) => random.pick(['a', 'b', '']),
  ':reversed': (random) => random.int(0, 2),
  ':granted': (random) => random.int(0, 2),
  ':first': (random) => random.int(1, 2),
  ':newest': (random) => random.pick(['a', 'b']),
  ':parked': () => 'parked',
  ':raised': (random) => random.int(0, 2),
  ':level': (random) => random.pick(['fine', 'low']),
  ':abandoned': (random) => random.pick(TIMES),
  ':claimed': (random) => random.pick(TIMES),
  ':version': (random) => random.int(1, 2),
  ':limit': (random) => random.int(1, 3),
  ':oldest': (random) => random.int(1, 3),
  ':size': (random) => random.int(1, 3),
  ':last': (random) => random.int(0, 2),
  ':counted': (random) => random.int(0, 3),
  ':now': (random) => random.pick(TIMES),
  ':most': (random) => random.int(0, 3),
  ':committed': (random) => random.int(0, 3),
  ':percent': (random) => random.int(0, 3),
  ':one': (random) => random.pick([1, -1]),
  ':none': () => [],
  ':hit': (random) => [random.int(1, 3)],
  ':price': (random) => random.pick(['a', 'b']),
  ':credits': (random) => random.int(0, 2),
  ':open': () => null,
  ':due': (random) => random.pick(['charge', 'notice']),
  ':charge': (random) => ({ attempt: random.int(1, 2), state: random.pick(STATES) }),
};

/** The attributes of an item, each present with a probability of a half. */
const ATTRIBUTES: Readonly<Record<string, (random: Random) => unknown>> = {
  seq: (random) => random.int(0, 2),
  revision: (random) => random.int(0, 2),
  attempt: (random) => random.int(1, 2),
  state: (random) => random.pick([...STATES, 'failed']),
  customer_id: (random) => random.pick(['a', 'b']),
  reversed_cents: (random) => random.int(0, 2),
  price_id: (random) => random.pick(['a', 'b']),
  credits: (random) => random.int(0, 2),
  recorded: (random) => random.int(0, 3),
  repository_id: (random) => random.int(1, 2),
  newest_id: (random) => random.pick(['a', 'b']),
  outcome: (random) => random.pick(['parked', 'processed']),
  raised_seq: (random) => random.int(0, 2),
  balance_level: (random) => random.pick(['fine', 'low']),
  claimed_at: (random) => random.pick(TIMES),
  version: (random) => random.int(1, 2),
  active_keys: (random) => random.int(0, 3),
  account_keys: (random) => random.int(0, 3),
  valid_until: (random) => random.pick(TIMES),
  used_at: (random) => random.pick(TIMES),
  committed_cents: (random) => random.int(0, 3),
  noticed_percent: (random) => random.int(0, 3),
  letters: (random) => random.int(0, 3),
  urgent_letters: (random) => random.int(0, 3),
  billed: () => ({ outcome: 'credit_consumed' }),
  revoked_at: (random) => random.pick([...TIMES, null]),
  hits: (random) => Array.from({ length: random.int(0, 3) }, () => random.int(1, 3)),
  charge: (random) => ({ attempt: random.int(1, 2), state: random.pick(STATES), at: null }),
};

const KINDS = { transact: 8, put: 2, update: 4, delete: 1, batch: 1, query: 2, due: 1, scan: 1 } as const;
type Kind = keyof typeof KINDS;
type Send = (table: Table) => Promise<object>;

/** A request that can be sent to any table. */
export interface AnyRequest {
  readonly kind: Kind;
  readonly send: Send;
}

export function randomRequest(random: Random): AnyRequest {
  const kind = random.weighted<Kind>(KINDS);
  return { kind, send: randomOf(kind, random) };
}

function randomOf(kind: Kind, random: Random): Send {
  switch (kind) {
    case 'transact': {
      const keys = distinctKeys(random, random.int(1, 4));
      const writes = keys.map((key) => randomWrite(random, key));
      return (table) =>
        table.client.send(
          new TransactWriteItemsCommand({ TransactItems: writes.map((write) => named(table, write)) }),
        );
    }
    case 'put': {
      const put = { Item: randomItem(random, randomKey(random)), ...randomCondition(random) };
      return ({ client, name }) => documents({ client }).send(new PutCommand({ TableName: name, ...put }));
    }
    case 'update': {
      const update = { Key: { ...randomKey(random) }, ...randomUpdate(random) };
      return ({ client, name }) =>
        documents({ client }).send(new UpdateCommand({ TableName: name, ...update }));
    }
    case 'delete': {
      const deletion = { Key: { ...randomKey(random) }, ...randomCondition(random) };
      return ({ client, name }) =>
        documents({ client }).send(new DeleteCommand({ TableName: name, ...deletion }));
    }
    case 'batch': {
      // DynamoDB refuses a key that is asked for twice.
      const keys = Array.from({ length: random.int(1, 4) }, () => ({ ...randomKey(random) }));
      return ({ client, name }) =>
        documents({ client }).send(
          new BatchGetCommand({ RequestItems: { [name]: { Keys: keys, ConsistentRead: true } } }),
        );
    }
    case 'query': {
      const prefixed = random.chance(0.5);
      const query = {
        KeyConditionExpression: prefixed
          ? 'pk = :pk AND begins_with(sk, :prefix)'
          : 'pk = :pk AND sk BETWEEN :from AND :to',
        ExpressionAttributeValues: {
          ':pk': random.pick(PARTITIONS),
          ...(prefixed
            ? { ':prefix': random.pick(['FIX#', 'LEDGER#']) }
            : { ':from': 'LEDGER#0', ':to': 'LEDGER#HEAD' }),
        },
        ScanIndexForward: random.chance(0.5),
        ConsistentRead: true,
        ...(random.chance(0.5) && { Limit: random.int(1, 3) }),
      };
      return ({ client, name }) =>
        documents({ client }).send(new QueryCommand({ TableName: name, ...query }));
    }
    case 'due': {
      const query = {
        IndexName: 'due',
        KeyConditionExpression: 'due = :due AND due_at <= :until',
        ExpressionAttributeValues: {
          ':due': random.pick(['charge', 'notice']),
          ':until': random.pick(TIMES),
        },
      };
      return ({ client, name }) =>
        documents({ client }).send(new QueryCommand({ TableName: name, ...query }));
    }
    case 'scan': {
      const scan = {
        FilterExpression: 'sk = :head AND active_keys > :nothing',
        ProjectionExpression: 'pk',
        ExpressionAttributeValues: { ':head': 'LEDGER#HEAD', ':nothing': random.int(0, 1) },
      };
      return ({ client, name }) => documents({ client }).send(new ScanCommand({ TableName: name, ...scan }));
    }
    default:
      return kind satisfies never;
  }
}

function randomWrite(random: Random, key: Key): Write {
  const kind = random.weighted({ put: 4, update: 5, delete: 1, check: 1 });
  switch (kind) {
    case 'put':
      return { Put: { Item: randomItem(random, key), ...randomCondition(random) } };
    case 'update':
      return { Update: { Key: { ...key }, ...randomUpdate(random) } };
    case 'delete':
      return { Delete: { Key: { ...key }, ...randomCondition(random) } };
    case 'check':
      return { ConditionCheck: { Key: { ...key }, ...withCondition(random, random.pick(SOME)) } };
    default:
      return kind satisfies never;
  }
}

const randomCondition = (random: Random) =>
  random.chance(0.3) ? {} : withCondition(random, random.pick(SOME));

function randomUpdate(random: Random) {
  const { change, needs } = random.pick(UPDATES);
  const chosen = random.chance(0.3) ? [] : [random.pick(SOME)];
  const conditions = [...(needs === undefined ? [] : [needs]), ...chosen].map((one) => `(${one})`);
  if (conditions.length === 0) return { UpdateExpression: change, ...bound(random, change) };
  const condition = conditions.join(' AND ');
  return { UpdateExpression: change, ...withCondition(random, condition, change) };
}

const withCondition = (random: Random, ConditionExpression: string, beside = '') => ({
  ConditionExpression,
  ...bound(random, `${ConditionExpression} ${beside}`),
  ...(random.chance(0.6) && { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const }),
});

/** Exactly the names and values that an expression uses. */
function bound(random: Random, text: string) {
  const mentioned = (pattern: RegExp) => [...new Set(text.match(pattern) ?? [])];
  const names = mentioned(/#\w+/g).map((name) => [name, NAMES[name] ?? name]);
  const values = mentioned(/:\w+/g).map((name) => [name, drawn(name, random)]);
  return {
    ...(names.length > 0 && { ExpressionAttributeNames: Object.fromEntries(names) }),
    ...(values.length > 0 && { ExpressionAttributeValues: Object.fromEntries(values) }),
  };
}

const randomKey = (random: Random): Key => ({ pk: random.pick(PARTITIONS), sk: random.pick(SORT_KEYS) });

function distinctKeys(random: Random, count: number): Key[] {
  const keys = new Map<string, Key>();
  while (keys.size < count) {
    const key = randomKey(random);
    keys.set(`${key.pk} ${key.sk}`, key);
  }
  return [...keys.values()];
}

function randomItem(random: Random, key: Key): Item {
  const present = Object.entries(ATTRIBUTES).filter(() => random.chance(0.5));
  const isDue = random.chance(0.3);
  return {
    ...key,
    ...Object.fromEntries(present.map(([name, value]) => [name, value(random)])),
    ...(isDue && { due: random.pick(['charge', 'notice']), due_at: random.pick(TIMES) }),
  };
}

function drawn(name: string, random: Random): unknown {
  const draw = VALUES[name];
  if (draw === undefined) throw new Error(`No value is known for ${name}: add it to VALUES.`);
  return draw(random);
}
