import type { CONDITIONS } from './conditions.ts';
import type { Key } from './keys.ts';
import type { Item, Write } from './table.ts';

/*
 * Writes as plain values: which item, what changes, and the named condition that must hold. `table.ts` adds
 * the name of the table and sends them, alone or in a transaction.
 *
 * `#name` in an expression always stands for the attribute `name`, and `:name` for the value given as `name`.
 * So names and values are derived from the expressions and are never listed a second time.
 */

/** A condition from conditions.ts. Any other expression does not compile. */
export type Condition = (typeof CONDITIONS)[keyof typeof CONDITIONS];

/** One condition, or several that must all hold. */
export type Conditions = Condition | readonly Condition[];

/** Attributes by their stored names. */
export interface Change {
  readonly set?: Item;
  /** Numbers to add to counters; a counter that does not exist counts from 0. */
  readonly add?: Readonly<Record<string, number>>;
  readonly remove?: readonly string[];
}

/** Stores a whole item. Without a condition, it replaces any item with the same key. */
export const put = (
  item: Item,
  conditions: Conditions = [],
  values: Item = {},
): Extract<Write, { Put: unknown }> => ({
  Put: { Item: item, ...conditioned(conditions, '', values) },
});

/** Changes some attributes of an item. */
export function update(
  key: Key,
  { set = {}, add = {}, remove = [] }: Change,
  conditions: Conditions = [],
  values: Item = {},
): Extract<Write, { Update: unknown }> {
  const expression = [
    clause('SET', Object.keys(set), (name) => `#${name} = :new_${name}`),
    clause('ADD', Object.keys(add), (name) => `#${name} :add_${name}`),
    clause('REMOVE', remove, (name) => `#${name}`),
  ];
  return updateBy(key, expression.flat().join(' '), conditions, {
    ...values,
    ...prefixed('new_', set),
    ...prefixed('add_', add),
  });
}

/**
 * Changes an item by the caller's own expression, for what `update` cannot express, such as list elements.
 */
export const updateBy = (
  key: Key,
  expression: string,
  conditions: Conditions,
  values: Item,
): Extract<Write, { Update: unknown }> => ({
  Update: { Key: { ...key }, UpdateExpression: expression, ...conditioned(conditions, expression, values) },
});

/** Deletes an item. */
export const remove = (key: Key, conditions: Conditions = [], values: Item = {}): Write => ({
  Delete: { Key: { ...key }, ...conditioned(conditions, '', values) },
});

/** Writes nothing. The transaction succeeds only if the conditions hold for this item. */
export function check(key: Key, conditions: Conditions, values: Item = {}): Write {
  const { ConditionExpression = '', ...rest } = conditioned(conditions, '', values);
  return { ConditionCheck: { Key: { ...key }, ConditionExpression, ...rest } };
}

const clause = (verb: string, names: readonly string[], phrase: (name: string) => string): string[] =>
  names.length === 0 ? [] : [`${verb} ${names.map(phrase).join(', ')}`];

const prefixed = (prefix: string, values: Item): Item =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [prefix + name, value]));

/**
 * The conditions with every name and value that they and `expression` use. A refusal returns the current
 * item.
 */
function conditioned(conditions: Conditions, expression: string, values: Item) {
  const all = typeof conditions === 'string' ? [conditions] : conditions;
  const condition = all.map((one) => `(${one})`).join(' AND ');
  const names = new Set(`${expression} ${condition}`.match(/#\w+/g));
  return {
    ...(all.length > 0 && {
      ConditionExpression: condition,
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
    }),
    // DynamoDB rejects an empty list of names or values.
    ...(names.size > 0 && {
      ExpressionAttributeNames: Object.fromEntries([...names].map((name) => [name, name.slice(1)])),
    }),
    ...(Object.keys(values).length > 0 && { ExpressionAttributeValues: prefixed(':', values) }),
  };
}
