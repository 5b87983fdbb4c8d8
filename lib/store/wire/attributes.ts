import type { AttributeValue } from '@aws-sdk/client-dynamodb';

/*
 * DynamoDB's form of values, and back, like `@aws-sdk/util-dynamodb`, which a test compares. Numbers stay
 * exact: one that a double cannot hold is rejected when it is written, and read as a bigint.
 */

/** An item, or a part of one, in its plain form. */
export type Item = Record<string, unknown>;
export type Attributes = Record<string, AttributeValue>;

/** @throws Error for a value that no attribute can hold, also for `undefined` */
export function toAttributes(item: Item): Attributes {
  const attributes: Attributes = {};
  for (const name of Object.keys(item)) attributes[name] = toAttribute(item[name]);
  return attributes;
}

export function fromAttributes(attributes: Attributes): Item {
  const item: Item = {};
  for (const name of Object.keys(attributes)) {
    const attribute = attributes[name];
    if (attribute !== undefined) item[name] = fromAttribute(attribute);
  }
  return item;
}

export function toAttribute(value: unknown): AttributeValue {
  switch (typeof value) {
    case 'string':
      return { S: value };
    case 'number':
      return { N: exact(value) };
    case 'boolean':
      return { BOOL: value };
    case 'bigint':
      return { N: String(value) };
    case 'object':
      return ofObject(value);
    default:
      throw new Error(`no attribute can hold a value of the type ${typeof value}`);
  }
}

function ofObject(value: object | null): AttributeValue {
  if (value === null) return { NULL: true };
  if (Array.isArray(value)) return { L: value.map(toAttribute) };
  if (value instanceof Set) return ofSet([...value]);
  if (!isPlain(value)) throw new Error('no attribute can hold an object of a class');
  return { M: toAttributes(value) };
}

function isPlain(value: object): value is Item {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function ofSet(members: readonly unknown[]): AttributeValue {
  const texts = members.filter((member) => typeof member === 'string');
  if (texts.length > 0 && texts.length === members.length) return { SS: texts };
  const numbers = members.filter((member) => typeof member === 'number' || typeof member === 'bigint');
  if (numbers.length === 0 || numbers.length < members.length)
    throw new Error('a set holds only texts or only numbers, and at least one');
  return { NS: numbers.map((member) => (typeof member === 'number' ? exact(member) : String(member))) };
}

function exact(value: number): string {
  if (!(Math.abs(value) <= Number.MAX_SAFE_INTEGER)) throw new Error(`${value} is not an exact number`);
  return String(value);
}

export function fromAttribute(attribute: AttributeValue): unknown {
  if (attribute.S !== undefined) return attribute.S;
  if (attribute.N !== undefined) return numberOf(attribute.N);
  if (attribute.M !== undefined) return fromAttributes(attribute.M);
  if (attribute.BOOL !== undefined) return attribute.BOOL;
  if (attribute.NULL !== undefined) return null;
  if (attribute.L !== undefined) return attribute.L.map(fromAttribute);
  if (attribute.SS !== undefined) return new Set(attribute.SS);
  if (attribute.NS !== undefined) return new Set(attribute.NS.map(numberOf));
  if (attribute.B !== undefined) return bytesOf(attribute.B);
  if (attribute.BS !== undefined) return new Set(attribute.BS.map(bytesOf));
  throw new Error('an attribute has no known type');
}

/** The store writes no bytes. Another writer's bytes arrive as base64, because protocol.ts leaves them. */
const bytesOf = (bytes: unknown): unknown =>
  typeof bytes === 'string' ? Buffer.from(bytes, 'base64') : bytes;

/** A whole number beyond a double's exact range becomes a bigint. */
function numberOf(digits: string): number | bigint {
  const number = Number(digits);
  return Math.abs(number) <= Number.MAX_SAFE_INTEGER ? number : BigInt(digits);
}
