import { describe, expect, it } from 'vitest';
import { growthOf, type Measured } from './verdict.ts';

type Example = readonly [which: string, values: Readonly<Record<number, number>>];

const points = (values: Readonly<Record<number, number>>): Measured[] =>
  Object.entries(values).map(([count, value]) => ({ count: Number(count), value }));

describe('growth', () => {
  it.each<Example>([
    ['the same cost at every size', { 10: 9, 100: 9, 10000: 9 }],
    ['one more block, once', { 10: 2, 100: 3, 1000: 3, 10000: 3 }],
    ['a falling cost', { 10: 5, 1000: 4 }],
  ])('growth is flat for %s', (_, values) => {
    expect(growthOf(points(values))).toBe('flat');
  });

  it.each<Example>([
    ['one unit for each', { 1: 1, 10: 10, 100: 100 }],
    ['one unit for each, and a fixed part', { 10: 18, 50: 58, 250: 258 }],
    ['units that are rounded up', { 1: 7.5, 10: 70.5, 100: 702 }],
  ])('growth is linear for %s', (_, values) => {
    expect(growthOf(points(values))).toBe('linear');
  });

  it.each<Example>([
    ['quadratic growth', { 10: 100, 100: 10_000, 1000: 1_000_000 }],
    ['a scan that only many items reveal', { 10: 10, 100: 10, 1000: 10, 10000: 400 }],
    ['logarithmic growth', { 10: 10, 100: 20, 1000: 30, 10000: 40 }],
  ])('growth is neither flat nor linear for %s', (_, values) => {
    expect(growthOf(points(values))).toBe('neither');
  });
});
