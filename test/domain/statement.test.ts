import { describe, expect, it } from 'vitest';
import { emptyLedger, post } from '../../lib/domain/ledger.ts';
import {
  byRepository,
  linesOf,
  linesOfPart,
  pullRequestUrl,
  totalOf,
} from '../../lib/domain/statement/lines.ts';
import { monthAfter, monthsUntil, parseMonth } from '../../lib/domain/statement/months.ts';
import { cellOf } from '../../lib/http/pages/statement/csv.ts';
import { byCard, byCredit, granted } from '../support/dated-ledger.ts';

const AT = new Date('2026-03-01T12:00:00.000Z');
const pull = (repoName: string, prNumber: number) => ({ githubOrg: 'acme', repoName, prNumber });
const { entries } = post(
  emptyLedger('c1'),
  [granted(2), byCredit(pull('webshop', 1)), byCard(pull('Webshop', 2)), byCard(pull('api', 3))].flat(),
  AT,
);

describe('the lines of a statement', () => {
  it('a charged fix is one line, with its amount and without a change of the balance', () => {
    expect(
      linesOf(entries).map(({ kind, credits, chargedCents, seq }) => [kind, credits, chargedCents, seq]),
    ).toEqual([
      ['trial_signup', 2, 0, 1],
      ['fix_by_credit', -1, 0, 2],
      ['fix_by_card', 0, 2_900, 4],
      ['fix_by_card', 0, 2_900, 6],
    ]);
  });

  it('a repository is counted once, whatever the case of its name', () => {
    const totals = byRepository(linesOf(entries));
    expect(totals).toEqual([
      { repository: 'acme/webshop', fixes: 2, byCredit: 1, chargedCents: 2_900 },
      { repository: 'acme/api', fixes: 1, byCredit: 0, chargedCents: 2_900 },
    ]);
    expect(totalOf(totals)).toEqual({ fixes: 3, byCredit: 1, chargedCents: 5_800 });
  });

  it('wherever a statement is cut, each line is in one part and no charged fix is torn apart', () => {
    const whole = linesOf(entries);
    for (let size = 1; size <= 6; size++) {
      const parts = [];
      for (let first = 1; first <= 6; first += size) {
        const last = Math.min(6, first + size - 1);
        const read = entries.filter(({ seq }) => seq >= first - 1 && seq <= last);
        parts.push(...linesOfPart(read, { first, last, end: 6 }));
      }
      expect(parts).toEqual(whole);
    }
  });

  it('a purchased credit without its fix is a line of its own', () => {
    expect(linesOf(entries.slice(0, 3)).at(-1)).toMatchObject({
      kind: 'fix_by_card',
      credits: 1,
      pull: null,
    });
  });

  it('a pull request is linked only if its names can be names at GitHub', () => {
    expect(pullRequestUrl(pull('webshop', 1))).toBe('https://github.com/acme/webshop/pull/1');
    for (const repoName of ['..', 'a/../b', 'a"b', '<script>', '', 'a b'])
      expect(pullRequestUrl(pull(repoName, 1))).toBeNull();
    expect(pullRequestUrl({ ...pull('a', 1), githubOrg: 'javascript:' })).toBeNull();
    expect(pullRequestUrl(pull('a', -1))).toBeNull();
  });
});

describe('a cell of the file', () => {
  it.each([
    ['plain', 'plain'],
    ['a,b', '"a,b"'],
    ['say "hi"\r\n', '"say ""hi""\r\n"'],
    ['=1+1', "'=1+1"],
    ['+1', "'+1"],
    ['-1', "'-1"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['\t=1', "'\t=1"],
    ['=HYPERLINK("x")', `"'=HYPERLINK(""x"")"`],
  ])('the text %j becomes %s, which no spreadsheet runs', (text, cell) => {
    expect(cellOf(text)).toBe(cell);
  });

  it('a negative number stays a number', () => {
    expect(cellOf(-1)).toBe('-1');
  });
});

describe('months', () => {
  it('months go over the end of a year in both directions', () => {
    expect(monthsUntil('2026-02', 3)).toEqual(['2026-02', '2026-01', '2025-12']);
    expect(monthAfter('2026-12', 1)).toBe('2027-01');
  });

  it.each(['2026-13', '2026-00', '2026-1', '', '2026-01-01', '<script>'])('%j is no month', (text) => {
    expect(parseMonth(text)).toBeNull();
  });
});
