import {
  type AttributeValue,
  DynamoDBServiceException,
  TransactionCanceledException,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod/mini';

/* DynamoDB's wire format of requests, answers and errors, as far as the store uses it. */

const list = z.array(z.unknown());
const lists = z.record(z.string(), list);

type Shape = 'one' | 'list' | 'lists';

/** The fields that hold items: one item, a list, or a list per table. */
const SHAPES: Readonly<Record<string, Shape>> = {
  Item: 'one',
  Key: 'one',
  ExpressionAttributeValues: 'one',
  ExclusiveStartKey: 'one',
  LastEvaluatedKey: 'one',
  Items: 'list',
  Keys: 'list',
  Responses: 'lists',
};

export const fromWire = (request: unknown): unknown =>
  translated(request, (item) => unmarshall(objectOf<AttributeValue>(item)));

export const toWire = (answer: unknown): unknown => translated(answer, (item) => marshall(objectOf(item)));

/** A middleware's answer to a request in wire form, by an `answer` that works on plain values. */
export async function answerFromWire<T extends object>(
  input: unknown,
  answer: (plain: unknown) => T | Promise<T>,
): Promise<{ output: { $metadata: object }; response: undefined }> {
  const plain = await answer(fromWire(input));
  return { output: { $metadata: {}, ...objectOf(toWire(plain)) }, response: undefined };
}

/** The SDK and the model made it, so only its kind is checked: this runs for every item of every test. */
function objectOf<T = unknown>(value: unknown): Record<string, T> {
  if (isObject<T>(value)) return value;
  throw new Error(`${typeof value} in place of an object`);
}

const isObject = <T>(value: unknown): value is Record<string, T> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function translated(value: unknown, item: (item: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map((inner) => translated(inner, item));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, translatedField(SHAPES[name], inner, item)]),
  );
}

function translatedField(
  shape: Shape | undefined,
  value: unknown,
  item: (item: unknown) => unknown,
): unknown {
  switch (shape) {
    case undefined:
      return translated(value, item);
    case 'one':
      return item(value);
    case 'list':
      return list.parse(value).map(item);
    case 'lists':
      return Object.fromEntries(
        Object.entries(lists.parse(value)).map(([table, items]) => [table, items.map(item)]),
      );
    default:
      return shape satisfies never;
  }
}

/** A DynamoDB error: its name, and for a transaction the reason for each rejected write. */
export function errorToWire(error: unknown): unknown {
  if (!(error instanceof DynamoDBServiceException)) {
    return { __type: 'InternalServerError', message: String(error) };
  }
  const { name, message } = error;
  return {
    __type: `com.amazonaws.dynamodb.v20120810#${name}`,
    message,
    ...(error instanceof TransactionCanceledException && { CancellationReasons: error.CancellationReasons }),
    ...('Item' in error && { Item: error.Item }),
  };
}
