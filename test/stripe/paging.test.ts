import { expect, it } from 'vitest';
import { isFault } from '../../lib/stripe/fault.ts';
import { allOf } from '../../lib/stripe/paging.ts';

async function* numbers(count: number): AsyncGenerator<number> {
  for (let n = 0; n < count; n++) yield n;
}

it('a list is read to its end, over all pages', async () => {
  expect(await allOf(numbers(10_000))).toHaveLength(10_000);
});

it('a list of more than 10,000 objects is refused, and no part of it is returned', async () => {
  const refusal = await allOf(numbers(10_001)).catch((error: unknown) => error);
  expect(isFault(refusal, 'misconfigured') && refusal.facts.code).toBe('list_too_long');
});
