import { isJson } from './json-schema.ts';

/** Faults planted in an object, which a judge of that object must notice. */
export const SPOILED: readonly {
  readonly how: string;
  /** The SDK's types accept any string here. */
  readonly isForValidatorOnly?: true;
  readonly spoil: (object: Record<string, unknown>) => Record<string, unknown>;
}[] = [
  { how: 'an extra field', spoil: (object) => ({ ...object, no_such_field: 1 }) },
  { how: 'a missing id', spoil: ({ id: _, ...rest }) => rest },
  { how: 'a time as text', spoil: (object) => ({ ...object, created: 'today' }) },
  {
    how: 'an unknown enum value',
    isForValidatorOnly: true,
    spoil: (object) => ({ ...object, status: 'splendid' }),
  },
  { how: 'a null that is not allowed', spoil: (object) => ({ ...object, amount: null }) },
  {
    how: 'an expanded object with an extra field',
    spoil: (object) => ({ ...object, payment_method: { object: 'payment_method', no_such_field: 1 } }),
  },
];

/** The first charge among the values. */
export const chargeIn = (values: readonly unknown[]): Record<string, unknown> | undefined =>
  values.filter(isJson).find((value) => value['object'] === 'charge' && value['status'] === 'succeeded');
