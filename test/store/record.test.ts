import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { CONDITIONS } from '../../lib/store/conditions.ts';
import { count, orNull, readable, record, text, UnreadableItem } from '../../lib/store/record.ts';
import { check, put, remove, update } from '../../lib/store/write.ts';

const Order = z.object({
  id: text,
  priceCents: count,
  shipTo: orNull(z.object({ streetName: text, houseNumber: count })),
  labels: z.record(text, text),
});
const orders = record(Order, { id: 'order_id' });

const KEY = { pk: 'P', sk: 'S' };
const ORDER = {
  id: 'o1',
  priceCents: 5,
  shipTo: { streetName: 'Main Street', houseNumber: 1 },
  labels: { giftWrap: 'yes' },
};
const STORED = {
  order_id: 'o1',
  price_cents: 5,
  ship_to: { street_name: 'Main Street', house_number: 1 },
  labels: { giftWrap: 'yes' },
};

describe('a record', () => {
  it('a record derives stored names from its schema, also within an object, but not the names of a map', () => {
    expect(orders.encode(ORDER)).toEqual(STORED);
    expect(orders.decode({ ...KEY, ...STORED, due: 'charge' })).toEqual(ORDER);
  });

  it('a record encodes only the fields of its schema, and of a part only the given fields', () => {
    const wider = { ...ORDER, secret: 'not of the schema' };
    expect(orders.encode(wider)).toEqual(STORED);
    expect(orders.encodePart({ shipTo: null })).toEqual({ ship_to: null });
  });

  it('a record reads an absent attribute of a later release as null', () => {
    const { ship_to: _, ...older } = STORED;
    expect(orders.decode(older)).toEqual({ ...ORDER, shipTo: null });
  });

  it('the error of an unreadable item has the stored names of the faulty attributes, never their values', () => {
    const odd = { ...KEY, ...STORED, price_cents: -1, ship_to: { street_name: 7 }, labels: { giftWrap: 8 } };
    const error = readable(orders.decode, odd);
    expect(error).toBeInstanceOf(UnreadableItem);
    expect(error).toMatchObject({
      name: 'UnreadableItem',
      key: KEY,
      attributes: ['price_cents', 'ship_to.street_name', 'ship_to.house_number', 'labels.giftWrap'],
      message:
        'The stored item P S is not readable: price_cents, ship_to.street_name, ship_to.house_number, labels.giftWrap',
    });
    expect(readable(orders.decode, { ...KEY, ...STORED, ship_to: 'nowhere' })).toMatchObject({
      attributes: ['ship_to'],
    });
  });

  it('a record rethrows every other error', () => {
    const decode = () => {
      throw new TypeError('a bug');
    };
    expect(() => readable(decode, KEY)).toThrow(TypeError);
  });
});

describe('a write', () => {
  it('a write lists the names and values of its expressions, and asks for the item of a failed condition', () => {
    const write = update(
      KEY,
      { set: { state: 'sent' }, add: { attempts: 1 }, remove: ['due'] },
      [CONDITIONS.HEAD_UNMOVED, CONDITIONS.CHARGE_UNMOVED],
      { seq: 4, attempt: 2, state: 'charging' },
    );
    expect(write).toEqual({
      Update: {
        Key: KEY,
        UpdateExpression: 'SET #state = :new_state ADD #attempts :add_attempts REMOVE #due',
        ConditionExpression: '(seq = :seq) AND (charge.attempt = :attempt AND charge.#state = :state)',
        ExpressionAttributeNames: { '#state': 'state', '#attempts': 'attempts', '#due': 'due' },
        ExpressionAttributeValues: {
          ':seq': 4,
          ':attempt': 2,
          ':state': 'charging',
          ':new_state': 'sent',
          ':add_attempts': 1,
        },
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      },
    });
  });

  it('a write leaves out unused parts', () => {
    expect(put({ ...KEY, a: 1 })).toEqual({ Put: { Item: { ...KEY, a: 1 } } });
    expect(remove(KEY)).toEqual({ Delete: { Key: KEY } });
    expect(update(KEY, { remove: ['due'] })).toEqual({
      Update: { Key: KEY, UpdateExpression: 'REMOVE #due', ExpressionAttributeNames: { '#due': 'due' } },
    });
    expect(check(KEY, CONDITIONS.FIX_IS_THERE)).toEqual({
      ConditionCheck: {
        Key: KEY,
        ConditionExpression: '(attribute_exists(pk))',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      },
    });
  });
});
