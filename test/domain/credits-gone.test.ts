import { describe, expect, it } from 'vitest';
import { type Brought, creditsGone } from '../../lib/domain/payments/credits-gone.ts';

const group = (credits: number, value: number, named = 0): Brought => ({ credits, value, named });

describe('credits taken back for returned money', () => {
  it.each<[string, readonly Brought[], { general: number; left: number }, number]>([
    ['half of one sale', [group(60, 59_900)], { general: 29_950, left: 59_900 }, 30],
    ['half of a sale beside free credits', [group(10, 0), group(60, 59_900)], { general: 50, left: 100 }, 30],
    [
      'a third of one line and half of another',
      [group(60, 900, 300), group(40, 500, 250)],
      { general: 0, left: 850 },
      40,
    ],
    ['half of each of two lines of one credit', [group(1, 2, 1), group(1, 4, 2)], { general: 0, left: 3 }, 1],
    [
      'one whole line and half of the other',
      [group(60, 900, 900), group(40, 500)],
      { general: 250, left: 500 },
      80,
    ],
    ['the whole amount of the only line', [group(60, 900, 900)], { general: 0, left: 0 }, 60],
    ['nothing', [group(60, 59_900)], { general: 0, left: 59_900 }, 0],
  ])(
    'returning %s takes back the same share of the credits, rounded down once',
    (_, brought, returned, credits) => {
      expect(creditsGone(brought, returned)).toBe(credits);
    },
  );
});
