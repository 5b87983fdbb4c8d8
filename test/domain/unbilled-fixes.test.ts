import { describe, expect, it } from 'vitest';
import {
  addBilledFix,
  countUnbilledFixes,
  firstUnbilledDay,
} from '../../lib/domain/payments/unbilled-fixes.ts';

const AT = new Date('2026-01-20T12:00:00.000Z');

describe('counting fixes that are not billed', () => {
  const day = (n: number) => new Date(Date.UTC(2026, 0, n, 23));
  const dayName = (n: number) => day(n).toISOString().slice(0, 10);

  it('billed fixes are counted by the day of their recording, and unbilled ones are the rest', () => {
    const billed = [15, 20, 15].reduce((text, n) => addBilledFix(text, day(n), AT), '');
    expect(billed).toBe('20468,2,0,0,0,0,1');
    const recorded = new Map([
      [dayName(15), 5],
      [dayName(18), 1],
      [dayName(20), 1],
    ]);
    expect(countUnbilledFixes(recorded, billed, AT)).toBe(4);
  });

  it('a day that billed more fixes than it counted, as before this release, hides no other day', () => {
    const billed = addBilledFix(addBilledFix('', day(15), AT), day(15), AT);
    const recorded = new Map([
      [dayName(15), 1],
      [dayName(16), 3],
    ]);
    expect(countUnbilledFixes(recorded, billed, AT)).toBe(3);
  });

  it('days count for 30 days, today included', () => {
    const later = new Date('2026-02-13T00:00:00.000Z');
    expect(firstUnbilledDay(later)).toBe('2026-01-15');
    const recorded = new Map([
      [dayName(14), 1],
      [dayName(15), 1],
    ]);
    expect(countUnbilledFixes(recorded, '', later)).toBe(1);
    const before = addBilledFix(addBilledFix('', day(14), AT), day(15), AT);
    expect(addBilledFix(before, day(14), later)).toBe('20468,1');
    expect(addBilledFix('', day(14), later)).toBe('');
  });

  it.each([
    [14, ''],
    [15, '20468,1'],
    [16, '20469,1'],
  ])('on February 13, a billed fix that was recorded on January %i counts as %j', (n, text) => {
    expect(addBilledFix('', day(n), new Date('2026-02-13T00:00:00.000Z'))).toBe(text);
  });

  it('the text begins with the first day that has a billed fix', () => {
    const before = [15, 20].reduce((text, n) => addBilledFix(text, day(n), AT), '');
    expect(addBilledFix(before, day(20), new Date('2026-02-14T00:00:00.000Z'))).toBe('20473,2');
  });

  it('the count of a head stays short', () => {
    const all = Array.from({ length: 30 }, (_, n) => new Date(AT.getTime() - n * 86_400_000));
    const billed = all.flatMap((one) => [one, one]).reduce((text, one) => addBilledFix(text, one, AT), '');
    expect(billed.length).toBeLessThan(80);
  });
});
