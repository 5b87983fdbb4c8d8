import * as z from 'zod/mini';
import type { Key } from './keys.ts';
import type { Item } from './table.ts';

/*
 * The stored form of an item follows from one schema in the domain's names: `subscriptionType` is stored as
 * `subscription_type`, also in nested objects. Reads are validated: an item that does not match its schema
 * was not written by this service, and no balance is decided on it.
 */

/** Converts between an item and its domain value. */
export interface Codec<T> {
  /** For nested records. */
  readonly schema: z.ZodMiniType<T>;
  /** @throws UnreadableItem */
  readonly decode: (item: Item) => T;
  /** The attributes of a whole record. Fields outside the schema are left out. */
  readonly encode: (value: T) => Item;
  /** The attributes of some fields of a record. */
  readonly encodePart: (part: Partial<T>) => Item;
}

/** @param storedAs stored names that differ from the derived ones */
export function record<T extends object>(
  schema: z.ZodMiniType<T> & { readonly shape: Shape },
  storedAs: Readonly<Record<string, string>> = {},
): Codec<T> {
  const fields = fieldsOf(schema.shape, storedAs);
  const encode = (value: object) => toStored(value, fields);
  return {
    schema,
    decode(item) {
      const parsed = z.safeParse(schema, fromStored(item, fields));
      if (parsed.success) return parsed.data;
      const attributes = parsed.error.issues.map(({ path }) => storedPath(path, fields).join('.'));
      throw new UnreadableItem(item, attributes);
    },
    encode,
    encodePart: encode,
  };
}

/** A field that is null if the item lacks the attribute: not set yet, or written by an earlier release. */
export const orNull = <T extends z.ZodMiniType>(schema: T) => z._default(z.nullable(schema), null);

/** Common types of fields. */
export const text = z.string();
export const integer = z.int();
export const count = z.int().check(z.nonnegative());
export const attemptNumber = z.int().check(z.positive());

/**
 * An item that was changed manually or written by a newer release. Names the item and its attributes, never
 * values.
 */
export class UnreadableItem extends Error {
  readonly key: Key;
  readonly attributes: readonly string[];

  constructor({ pk, sk }: Item, attributes: readonly string[]) {
    super(`The stored item ${String(pk)} ${String(sk)} is not readable: ${attributes.join(', ')}`);
    this.name = 'UnreadableItem';
    this.key = { pk: String(pk), sk: String(sk) };
    this.attributes = attributes;
  }
}

/** For batch reads: returns the error of an unreadable item, so that one bad item does not stop the batch. */
export function readable<T>(decodeOne: (item: Item) => T, item: Item): T | UnreadableItem {
  try {
    return decodeOne(item);
  } catch (error) {
    if (error instanceof UnreadableItem) return error;
    throw error;
  }
}

type Shape = Readonly<Record<string, z.core.$ZodType>>;

interface Field {
  readonly name: string;
  readonly stored: string;
  /** The fields of a nested record; null if the value is stored as it is. */
  readonly inner: readonly Field[] | null;
}

function fieldsOf(shape: Shape, storedAs: Readonly<Record<string, string>> = {}): Field[] {
  return Object.entries(shape).map(([name, schema]) => {
    const inner = shapeOf(schema);
    return {
      name,
      stored: storedAs[name] ?? name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      inner: inner && fieldsOf(inner),
    };
  });
}

/**
 * The fields of an object, also of a nullable or optional one. Lists, maps and unions are stored as they are.
 */
function shapeOf(schema: z.core.$ZodType): Shape | null {
  if (schema instanceof z.ZodMiniObject) return schema.shape;
  const isWrapped = schema instanceof z.ZodMiniNullable || schema instanceof z.ZodMiniDefault;
  return isWrapped ? shapeOf(schema.def.innerType) : null;
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

function toStored(value: object, fields: readonly Field[]): Item {
  const item: Item = {};
  for (const { name, stored, inner } of fields) {
    if (!(name in value)) continue;
    const field: unknown = Reflect.get(value, name);
    item[stored] = inner !== null && isObject(field) ? toStored(field, inner) : field;
  }
  return item;
}

/**
 * Renames an item's attributes to the domain's names, without validation. Returns a value that is not an
 * object unchanged; the schema then rejects it.
 */
function fromStored(item: unknown, fields: readonly Field[]): unknown {
  if (!isObject(item)) return item;
  const renamed: Item = {};
  for (const { name, stored, inner } of fields) {
    const attribute: unknown = Reflect.get(item, stored);
    renamed[name] = inner === null ? attribute : fromStored(attribute, inner);
  }
  return renamed;
}

function storedPath([first, ...rest]: readonly PropertyKey[], fields: readonly Field[]): PropertyKey[] {
  const field = fields.find(({ name }) => name === first);
  // The end of the path: the record itself is at fault.
  if (field === undefined) return [];
  return [field.stored, ...(field.inner === null ? rest : storedPath(rest, field.inner))];
}
