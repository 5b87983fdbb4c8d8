import { describe, expect, it } from 'vitest';
import { KEY_SCOPES, type KeyScope, permits, shortKeyId } from '../../lib/domain/api-key.ts';

describe('the scope of an API key', () => {
  it.each<[KeyScope, KeyScope[]]>([
    ['fixes', ['fixes']],
    ['account', ['fixes', 'account']],
  ])('a key of scope %s may make the calls that need one of these scopes: %j', (scope, calls) => {
    expect(KEY_SCOPES.filter((needed) => permits(scope, needed))).toEqual(calls);
  });
});

describe('the short name of an API key', () => {
  it('a key is shown by the first 8 characters of its id', () => {
    expect(shortKeyId('0123456789abcdef'.repeat(4))).toBe('01234567');
  });
});
