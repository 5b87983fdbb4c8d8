import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wrapped } from '../../lib/mail/wrap.ts';

describe('a wrapped text', () => {
  it('lines break between words', () => {
    expect(wrapped('one two three four', 9)).toBe('one two\nthree\nfour');
  });

  it('a word that is longer than a line stays whole, so an address stays a link', () => {
    expect(wrapped('see https://app.rsolv.dev/billing now', 10)).toBe(
      'see\nhttps://app.rsolv.dev/billing\nnow',
    );
  });

  it('lines that fit keep their spaces, as the mark of a signature needs', () => {
    expect(wrapped('-- \nRSOLV billing', 72)).toBe('-- \nRSOLV billing');
  });

  it('characters count, not their bytes', () => {
    expect(wrapped('👩👩👩 éé', 6)).toBe('👩👩👩 éé');
  });

  it('wrapping loses no word, and each line with several words fits', () => {
    const words = fc.array(fc.stringMatching(/^[^\s]{1,12}$/), { minLength: 1 });
    fc.assert(
      fc.property(words, fc.integer({ min: 1, max: 20 }), (all, width) => {
        const lines = wrapped(all.join(' '), width).split('\n');
        expect(lines.join(' ')).toBe(all.join(' '));
        for (const line of lines.filter((one) => one.includes(' ')))
          expect([...line].length).toBeLessThanOrEqual(width);
      }),
    );
  });
});
