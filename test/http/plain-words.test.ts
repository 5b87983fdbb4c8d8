import { describe, expect, it } from 'vitest';
import { ZodMiniObject } from 'zod/mini';
import { BillingError, type FieldError } from '../../lib/errors.ts';
import type { Contract } from '../../lib/http/contract.ts';
import { allContracts } from '../../lib/http/contracts/index.ts';
import { readableName } from '../../lib/http/field-name.ts';
import { parseInput } from '../../lib/http/input.ts';
import { gatewayEvent } from '../support/gateway.ts';

/* What people read when a field is at fault, for every field of every call. */

const PLACES = { params: 'pathParameters', query: 'queryStringParameters', body: 'body' } as const;
type Place = keyof typeof PLACES;

const fieldsOf = (contract: Contract, place: Place): string[] => {
  const schema = contract[place];
  return schema instanceof ZodMiniObject ? Object.keys(schema.shape) : [];
};

const FIELDS = allContracts.flatMap((contract) =>
  (['params', 'query', 'body'] as const).flatMap((place) =>
    fieldsOf(contract, place).map((field) => ({ name: contract.operationId, contract, place, field })),
  ),
);

/** Required fields in which null is a value: no limit. */
const MEANT_NULLS: ReadonlySet<string> = new Set(['monthly_cents']);

/** Values of which most fields refuse most. */
const DOUBTFUL: readonly unknown[] = [
  null,
  '',
  '   ',
  'x'.repeat(20_000),
  '\u0000',
  -1,
  0,
  1.5,
  1e30,
  true,
  [],
  ['x'],
  [['x']],
  {},
  { x: 'y'.repeat(20_000) },
];

function faultOf(contract: Contract, place: Place, fields: Record<string, unknown>): BillingError | null {
  try {
    parseInput(contract, { ...gatewayEvent({}), [PLACES[place]]: fields });
    return null;
  } catch (error) {
    if (error instanceof BillingError) return error;
    throw error;
  }
}

const VALIDATORS_WORDS =
  /invalid|expected|received|too (small|big)|string|integer|number to be|pattern|regex|nan|undefined|null|boolean|array|literal|enum|<=|>=|\|/i;

describe('a message about a field', () => {
  it.each(FIELDS)('$name: a fault of $field is a sentence for people', ({ contract, place, field }) => {
    const isOptional =
      faultOf(contract, place, {})?.facts.errors?.every((one) => one.field !== field) ?? true;
    let refused = 0;
    for (const value of DOUBTFUL) {
      const fault = faultOf(contract, place, { [field]: value });
      const own = (fault?.facts.errors ?? []).filter((one) => one.field.split('.')[0] === field);
      if (own.length > 0) refused += 1;
      for (const { message } of own) {
        expect(message, JSON.stringify(value).slice(0, 40)).not.toMatch(VALIDATORS_WORDS);
        expect(message).toMatch(/^(is|has|must|cannot|names) /);
        expect(fault?.message).toContain(`${readableName(own[0]?.field ?? '')} ${message}.`);
      }
      if (value === null && place === 'body')
        expect(own.length === 0).toBe(isOptional || MEANT_NULLS.has(field));
    }
    // A field that accepts anything needs no message.
    expect(refused).toBeGreaterThan(field === 'cursor' ? 0 : 1);
  });

  it.each([
    ['name', 'Name'],
    ['email', 'E-mail address'],
    ['pr_number', 'Pull request number'],
    ['github_org', 'GitHub organisation'],
    ['pr_url', 'Pull request address'],
    ['api_key_used', 'API key used'],
    ['turned_off.0', 'Turned off (entry 1)'],
    ['metadata.a.b', 'Metadata (a, b)'],
  ])('people read %s as %s', (field, readable) => {
    expect(readableName(field)).toBe(readable);
  });

  it('several faults are several sentences, and unknown fields are named as they were sent', () => {
    const onboard = allContracts.find(({ operationId }) => operationId === 'onboardCustomer');
    if (onboard === undefined) throw new Error('no sign-up');
    const fault = faultOf(onboard, 'body', { email: 'a@b.con', source: null, surprise: null });
    expect(fault?.message).toBe(
      'Name is required. E-mail address cannot receive mail: there is no domain that ends in .con. ' +
        'Did you mean .com? "surprise" is not a known field.',
    );
    const errors: readonly FieldError[] = fault?.facts.errors ?? [];
    expect(errors.map(({ field }) => field)).toEqual(['name', 'email', 'surprise']);
  });
});
