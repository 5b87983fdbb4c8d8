import * as z from 'zod/mini';

/*
 * The messages of the schemas, for people: each continues a sentence that begins with the name of the field.
 * A schema's own message comes first.
 */

z.config({ localeError: (issue) => inPlainWords(issue) });

type RawIssue = Parameters<NonNullable<ReturnType<typeof z.config>['localeError']>>[0];

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

const FORMATS: Readonly<Record<string, string>> = {
  email: 'must be an e-mail address, such as name@example.com',
  url: 'must be an address that begins with http:// or https://',
  safeint: 'must be a whole number',
};

/** What is counted, by the kind of value. */
const UNITS: Readonly<Record<string, string>> = { string: 'characters', array: 'entries' };

function inPlainWords(issue: RawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${TYPES[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return issue.values.length === 1
        ? `must be ${String(issue.values[0])}`
        : `must be one of: ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return tooSmall(Number(issue.minimum), issue.inclusive ?? false, UNITS[issue.origin]);
    case 'too_big': {
      const most = `at most ${Number(issue.maximum).toLocaleString('en-US')}`;
      const unit = UNITS[issue.origin];
      return unit === undefined ? `must be ${most}` : `must have ${most} ${unit}`;
    }
    case 'invalid_format':
      return FORMATS[issue.format] ?? 'has a form that is not allowed';
    case 'unrecognized_keys':
      return `has unknown fields: ${issue.keys.join(', ')}`;
    default:
      return 'is not allowed';
  }
}

function tooSmall(least: number, isInclusive: boolean, unit: string | undefined): string {
  const number = least.toLocaleString('en-US');
  if (unit === undefined)
    return isInclusive ? `must be at least ${number}` : `must be greater than ${number}`;
  return least === 1 ? 'must not be empty' : `must have at least ${number} ${unit}`;
}
