import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  type AccessKind,
  addressHash,
  callerHash,
  formatToken,
  formTokenOf,
  parseToken,
  tokenIdOf,
} from '../../lib/domain/access/tokens.ts';

const customerId = '0123456789abcdef'.repeat(2);
const token = formatToken(customerId, new Uint8Array(32).fill(0xfb));
const KINDS: readonly AccessKind[] = ['link', 'session', 'unsubscribe', 'letter'];
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

describe('a token', () => {
  it('a token is the customer and the secret in base64url, which needs no escape in a URL', () => {
    expect(token).toBe(`${customerId}.-_v7${'-_v7'.repeat(9)}-_s`);
  });

  it.each(KINDS)('a token is stored under the SHA-256 of its kind and its text: %s', (kind) => {
    expect(tokenIdOf(kind, token)).toBe(sha256(`${kind} ${token}`));
    expect(parseToken(kind, token)).toEqual({ customerId, tokenId: tokenIdOf(kind, token) });
  });

  it.each([
    '',
    `${token}x`,
    `x${token}`,
    `${token}\n`,
    `\n${token}`,
    token.slice(1),
    token.slice(0, -1),
    token.replace('.', ''),
    token.replace('.', '_'),
    token.toUpperCase(),
    token.replace('-', '+'),
    `${'g'.repeat(32)}.${'a'.repeat(43)}`,
    `a.${'a'.repeat(43)}`,
    `${'a'.repeat(32)}.a`,
    `${'a'.repeat(32)}.${'!'.repeat(43)}`,
  ])('text that is almost a token is rejected: %j', (text) => {
    expect(parseToken('link', text)).toBeNull();
  });
});

describe('values made from a secret or an address', () => {
  it('the value in the forms of a session is made from its token, and is not its stored id', () => {
    expect(formTokenOf(token)).toBe(sha256(`form ${token}`));
    expect(KINDS.map((kind) => tokenIdOf(kind, token))).not.toContain(formTokenOf(token));
  });

  it('an address has one hash, whatever its case, and another address has another', () => {
    expect(addressHash('Ada@Acme.example')).toBe(sha256('address ada@acme.example'));
    expect(addressHash('ADA@ACME.EXAMPLE')).toBe(addressHash('ada@acme.example'));
    expect(addressHash('bob@acme.example')).not.toBe(addressHash('ada@acme.example'));
  });

  it('a caller has one hash for each customer and each IP, so two customers share none', () => {
    expect(callerHash(customerId, '203.0.113.7')).toBe(sha256(`caller ${customerId} 203.0.113.7`));
    expect(callerHash(customerId, '203.0.113.8')).not.toBe(callerHash(customerId, '203.0.113.7'));
    expect(callerHash('f'.repeat(32), '203.0.113.7')).not.toBe(callerHash(customerId, '203.0.113.7'));
  });
});
