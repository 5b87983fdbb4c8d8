import {
  ConditionalCheckFailedException,
  DynamoDBServiceException,
  TransactionCanceledException,
} from '@aws-sdk/client-dynamodb';
import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import type { Item, Table } from '../../lib/store/table.ts';
import { documents } from '../../test/support/documents.ts';
import { openTestTable } from '../../test/support/table.ts';
import { TableModel } from '../../test/support/table-model/model.ts';
import { Random } from './random.ts';
import { type AnyRequest, randomRequest } from './store/random-requests.ts';
import { modelTable } from './store/table.ts';

/*
 * The simulation is worth as much as its table. The same requests go to the model and to the engine of this
 * run: Dynoxide with `npm test`, AWS's own DynamoDB Local with `npm run check:engines`.
 */

const REQUESTS = 1_500;

describe('the model of the table', () => {
  it('the table model answers every request as the engine does, and stores the same items', async () => {
    const real = await openTestTable();
    const model = modelTable(new TableModel());
    const random = new Random('requests against two tables');
    for (let nth = 1; nth <= REQUESTS; nth++) {
      const request = randomRequest(random);
      expect(await answerOf(model, request), `request ${nth}`).toEqual(await answerOf(real, request));
    }
    expect(await contentsOf(model)).toEqual(await contentsOf(real));
  });
});

const items = z.array(z.record(z.string(), z.unknown()));
const Answer = z.object({
  Items: z._default(items, []),
  Responses: z._default(z.record(z.string(), items), {}),
});

/** The answer of a table: items, or its error. Items are sorted where DynamoDB guarantees no order. */
async function answerOf(table: Table, { kind, send }: AnyRequest): Promise<unknown> {
  try {
    const { Items, Responses } = Answer.parse(await send(table));
    if (kind === 'batch') return inOrder(Object.values(Responses).flat());
    if (kind === 'scan') return inOrder(Items);
    if (kind === 'due') return { dueAt: Items.map(({ due_at }) => due_at), items: inOrder(Items) };
    return Items;
  } catch (error) {
    if (error instanceof TransactionCanceledException) {
      return error.CancellationReasons?.map(({ Code, Item }) => [Code, Item && unmarshall(Item)]);
    }
    if (error instanceof ConditionalCheckFailedException)
      return ['refused', error.Item && unmarshall(error.Item)];
    if (error instanceof DynamoDBServiceException) return error.name;
    throw error;
  }
}

async function contentsOf({ client, name }: Table): Promise<unknown[]> {
  const { Items = [] } = await documents({ client }).send(new ScanCommand({ TableName: name }));
  return inOrder(Items);
}

const nameOf = ({ pk, sk }: Item): string => `${pk} ${sk}`;
const inOrder = (items: Item[]): Item[] => items.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
