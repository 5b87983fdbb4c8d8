import { describe, expect, it } from 'vitest';
import { addColumns, type Columns, NO_COLUMNS } from '../../lib/domain/books/columns.ts';
import { addDays, differingDays, NO_MOVEMENTS } from '../../lib/domain/books/day-totals.ts';

const COLUMNS: Columns = {
  cash: 1,
  returned: 20,
  outOfBand: 300,
  balanceUsed: 4_000,
  byHand: 50_000,
  discounts: 600_000,
};

describe('the columns of all money', () => {
  it('columns are added one by one', () => {
    expect(addColumns(COLUMNS, COLUMNS)).toEqual({
      cash: 2,
      returned: 40,
      outOfBand: 600,
      balanceUsed: 8_000,
      byHand: 100_000,
      discounts: 1_200_000,
    });
  });

  it('columns begin at 0 and do not change when nothing is added', () => {
    expect(addColumns(COLUMNS, {})).toEqual(COLUMNS);
    expect(addColumns(NO_COLUMNS, COLUMNS)).toEqual(COLUMNS);
    expect(Object.values(NO_COLUMNS)).toEqual([0, 0, 0, 0, 0, 0]);
  });
});

const DAY = { charges: 1, refunds: -20, disputes: -300, other: 4_000, fees: 50_000, ledger: 600_000 };

describe('the totals of days', () => {
  it('amounts are added to the total of their day', () => {
    expect(addDays({ '2026-01-01': DAY, '2026-01-02': DAY }, { '2026-01-02': DAY })).toEqual({
      '2026-01-01': DAY,
      '2026-01-02': {
        charges: 2,
        refunds: -40,
        disputes: -600,
        other: 8_000,
        fees: 100_000,
        ledger: 1_200_000,
      },
    });
  });

  it('a new day begins at 0 and does not change when nothing is added', () => {
    expect(addDays({}, { '2026-01-01': DAY })).toEqual({ '2026-01-01': DAY });
    expect(addDays({ '2026-01-01': DAY }, { '2026-01-01': {} })).toEqual({ '2026-01-01': DAY });
    expect(addDays({}, { '2026-01-01': {} })).toEqual({ '2026-01-01': { ...NO_MOVEMENTS, ledger: 0 } });
    expect(Object.values(NO_MOVEMENTS)).toEqual([0, 0, 0, 0, 0]);
  });

  it('the days whose charges differ from the ledgers are listed, oldest first', () => {
    const dayOf = (charges: number, ledger: number) => ({ ...NO_MOVEMENTS, charges, ledger });
    const days = {
      '2026-02-03': dayOf(0, 100),
      '2026-02-01': dayOf(2_900, 0),
      '2026-02-02': dayOf(59_900, 59_900),
      '2026-02-05': dayOf(1, 0),
      '2026-02-04': dayOf(2, 0),
    };
    expect(differingDays(days)).toEqual([
      { day: '2026-02-01', cents: 2_900 },
      { day: '2026-02-03', cents: -100 },
      { day: '2026-02-04', cents: 2 },
      { day: '2026-02-05', cents: 1 },
    ]);
  });
});
