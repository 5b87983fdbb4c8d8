import { readFileSync } from 'node:fs';
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
import { openTestTable } from '../support/table.ts';
import { BUGS } from './bugs/bugs.ts';
import { runEpisode } from './episode.ts';
import { planOf, STEPS } from './plan.ts';
import { Random } from './random.ts';
import { TableModel } from './store/model.ts';
import { type AnyRequest, randomRequest } from './store/random-requests.ts';
import { modelTable } from './store/table.ts';

describe('the simulation', () => {
  it.each(['41.0', '41.1', '42.0', '42.1'])(
    'nothing is lost, doubled or left open in episode %s',
    async (episode) => {
      const { violations, operations } = await runEpisode(episode, planOf(episode, STEPS));
      expect(violations).toEqual([]);
      expect(operations).toBeGreaterThan(STEPS);
    },
  );

  it('the same seed makes the same happen, step by step', async () => {
    const lived = async () => {
      const { world } = await runEpisode('43.0', planOf('43.0', 120), { traced: true });
      return world.trace;
    };
    const first = await lived();
    expect(first.length).toBeGreaterThan(200);
    expect(await lived()).toEqual(first);
  });
});

describe('the mistakes that the simulation is to find', () => {
  it.each(BUGS)('$name: stands where it can be made', ({ file, find }) => {
    expect(readFileSync(file, 'utf8')).toContain(find);
  });
});

describe('the model of the table', () => {
  it('answers every request as the engine does, and holds the same afterwards', async () => {
    const real = await openTestTable();
    const model = modelTable(new TableModel());
    const random = new Random('requests against two tables');
    for (let nth = 1; nth <= 1_500; nth++) {
      const request = randomRequest(random);
      expect(await answerOf(model, request), `request ${nth}`).toEqual(await answerOf(real, request));
    }
    expect(await contentsOf(model)).toEqual(await contentsOf(real));
  });
});

const items = z.array(z.record(z.string(), z.unknown()));
const Answer = z.object({ Items: z.optional(items), Responses: z._default(z.record(z.string(), items), {}) });

/** What a table answers: items, or why not. */
async function answerOf(table: Table, request: AnyRequest): Promise<unknown> {
  try {
    const { Items, Responses } = Answer.parse(await request(table));
    return { Items, read: inOrder(Object.values(Responses).flat()) };
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
  const { Items = [] } = await client.send(new ScanCommand({ TableName: name }));
  return inOrder(Items);
}

const nameOf = ({ pk, sk }: Item): string => `${pk} ${sk}`;
const inOrder = (items: Item[]): Item[] => items.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
