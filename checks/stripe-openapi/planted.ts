import { isJson } from './json-schema.ts';

/** Faults planted in an object, which a judge of that object must notice. */
export const SPOILED: readonly {
  readonly how: string;
  /** The SDK's types accept any string here. */
  readonly isForValidatorOnly?: true;
  readonly spoil: (object: Record<string, unknown>) => Record<string, unknown>;
}[] = [
  { how: 'a field too many', spoil: (object) => ({ ...object, no_such_field: 1 }) },
  { how: 'a missing id', spoil: ({ id: _, ...rest }) => rest },
  { how: 'a time that is text', spoil: (object) => ({ ...object, created: 'today' }) },
  {
    how: 'a word that Stripe does not use',
    isForValidatorOnly: true,
    spoil: (object) => ({ ...object, status: 'splendid' }),
  },
  { how: 'a null that must not be', spoil: (object) => ({ ...object, amount: null }) },
  {
    how: 'an expanded object with a field too many',
    spoil: (object) => ({ ...object, payment_method: { object: 'payment_method', no_such_field: 1 } }),
  },
];

/** The first charge among the values. */
export const chargeIn = (values: readonly unknown[]): Record<string, unknown> | undefined =>
  values.filter(isJson).find((value) => value['object'] === 'charge' && value['status'] === 'succeeded');
