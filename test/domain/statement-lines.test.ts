import { describe, expect, it } from 'vitest';
import { type EntryMetadata, emptyLedger, type LedgerEntry, post } from '../../lib/domain/ledger.ts';
import {
  byRepository,
  linesOf,
  linesOfPart,
  pullRequestUrl,
  type RepositoryTotal,
  type StatementLine,
} from '../../lib/domain/statement/lines.ts';
import { parseMonth, startOf } from '../../lib/domain/statement/months.ts';
import { byCard, byCredit, granted } from '../support/dated-ledger.ts';

const AT = new Date('2026-03-01T12:00:00.000Z');
const pull = (repoName: string, prNumber: number) => ({ githubOrg: 'acme', repoName, prNumber });
const entriesOf = (...postings: Parameters<typeof post>[1][]): readonly LedgerEntry[] =>
  post(emptyLedger('c1'), postings.flat(), AT).entries;

/** The line of the first fix: its entry has this metadata. */
const NAMES = { github_org: 'acme', repo_name: 'webshop', pr_number: 1 };
const fixLine = (metadata: EntryMetadata): StatementLine | undefined =>
  linesOf(entriesOf(granted(1), [{ amount: -1, source: 'fix_deployed', metadata }])).at(-1);
const FIX_LINE = {
  ...{ seq: 2, at: AT.toISOString(), kind: 'fix_by_credit', pull: null, fixId: null },
  ...{ credits: -1, balanceAfter: 0, chargedCents: 0 },
};

describe('a line of a statement', () => {
  it.each<[string, EntryMetadata, Partial<StatementLine>]>([
    ['nothing', {}, {}],
    ['its id and its names', { fix_attempt_id: 'f1', ...NAMES }, { fixId: 'f1', pull: pull('webshop', 1) }],
    ['a payment', { payment_intent_id: 'pi_1' }, { kind: 'fix_by_card' }],
    ['a payment and its amount', { payment_intent_id: 'pi_1', amount_cents: 2_900 }, charged(2_900)],
    ['an id that is no text', { fix_attempt_id: 7 }, {}],
    ['an amount that is no number', { amount_cents: '2900' }, {}],
    ['an organisation that is no text', { ...NAMES, github_org: 7 }, {}],
    ['a repository that is no text', { ...NAMES, repo_name: 7 }, {}],
    ['a number of a pull request that is text', { ...NAMES, pr_number: '1' }, {}],
    ['only the number of a pull request', { pr_number: 1 }, {}],
  ])(
    'the line of a fix whose entry has %s shows what the entry has, and nothing else',
    (_, metadata, facts) => {
      expect(fixLine(metadata)).toEqual({ ...FIX_LINE, ...facts });
    },
  );

  it('a fix that a card paid is one line, with the amount of its purchased credit', () => {
    const [line, ...others] = linesOf(entriesOf(byCard(pull('webshop', 1), 1_500)));
    expect(others).toEqual([]);
    expect(line).toEqual({
      ...{ seq: 2, at: AT.toISOString(), kind: 'fix_by_card', pull: pull('webshop', 1) },
      ...{ fixId: line?.fixId, credits: 0, balanceAfter: 0, chargedCents: 1_500 },
    });
    expect(line?.fixId).toMatch(/^[0-9a-f]{32}$/);
  });

  it('a purchased credit and a fix that is not its own are two lines', () => {
    const [bought] = byCard(pull('webshop', 1));
    if (bought === undefined) throw new Error('no purchase');
    const metadata = { fix_attempt_id: 'f0', amount_cents: 2_900 };
    const lines = linesOf(entriesOf([{ ...bought, metadata }], byCredit(pull('api', 2))));
    expect(lines.map(({ seq, kind, credits, chargedCents }) => [seq, kind, credits, chargedCents])).toEqual([
      [1, 'fix_by_card', 1, 2_900],
      [2, 'fix_by_credit', -1, 0],
    ]);
  });
});

function charged(chargedCents: number): Partial<StatementLine> {
  return { kind: 'fix_by_card', chargedCents };
}

describe('a part of a statement', () => {
  const whole = entriesOf(
    granted(2),
    byCard(pull('webshop', 1)),
    byCredit(pull('webshop', 2)),
    byCard(pull('api', 3)),
    byCard(pull('api', 4)).slice(0, 1),
  );
  const end = whole.length;

  it.each([1, 2, 3, 4, 5, 6, 7])(
    'in parts of %i entries, each line is in exactly one part, even if a part is read with too many entries',
    (size) => {
      const starts = Array.from({ length: Math.ceil(end / size) }, (_, n) => n * size + 1);
      const parts = starts.flatMap((first) =>
        linesOfPart(whole, { first, last: Math.min(end, first + size - 1), end }),
      );
      expect(parts).toEqual(linesOf(whole));
      expect(parts.map(({ seq }) => seq)).toEqual([1, 3, 4, 6, 7]);
    },
  );
});

describe('the totals of repositories', () => {
  const total = (repository: string | null, fixes: number): RepositoryTotal => ({
    ...{ repository, fixes, byCredit: fixes, chargedCents: 0 },
  });
  const lineIn = (repoName: string | null): StatementLine => ({
    ...{ seq: 2, at: AT.toISOString(), kind: 'fix_by_credit', fixId: null },
    ...{ pull: repoName === null ? null : pull(repoName, 1), credits: -1, balanceAfter: 0, chargedCents: 0 },
  });

  it.each<[(string | null)[], RepositoryTotal[]]>([
    [
      ['a', 'b', 'B', null],
      [total('acme/b', 2), total(null, 1), total('acme/a', 1)],
    ],
    [
      [null, 'b', 'a', 'A'],
      [total('acme/a', 2), total(null, 1), total('acme/b', 1)],
    ],
    [
      ['b', null, 'a'],
      [total(null, 1), total('acme/a', 1), total('acme/b', 1)],
    ],
    [
      ['a', 'b', null],
      [total(null, 1), total('acme/a', 1), total('acme/b', 1)],
    ],
    [
      ['a', null, null, 'b', 'b', 'b'],
      [total('acme/b', 3), total(null, 2), total('acme/a', 1)],
    ],
  ])('fixes in %j are listed by number, then by name, and unnamed ones before names', (names, totals) => {
    expect(byRepository(names.map(lineIn))).toEqual(totals);
  });
});

describe('the address of a pull request', () => {
  it.each([
    ['/acme', 'webshop', 1],
    ['-acme', 'webshop', 1],
    ['acme/x', 'webshop', 1],
    ['acme', 'webshop', 0],
    ['acme', 'webshop', 1.5],
  ])('there is no address at GitHub for %s, %s and %d', (githubOrg, repoName, prNumber) => {
    expect(pullRequestUrl({ githubOrg, repoName, prNumber })).toBeNull();
  });
});

describe('months of a statement', () => {
  it.each(['x2026-01', '12026-01', '2-01', 'year-01', '2026-01x'])('the text %j is not a month', (text) => {
    expect(parseMonth(text)).toBeNull();
  });

  it.each(['2026-01', '2026-09', '2026-10', '2026-12'])(
    '%s is a month and begins at midnight UTC',
    (month) => {
      expect(parseMonth(month)).toBe(month);
      expect(startOf(month)).toBe(`${month}-01T00:00:00.000Z`);
    },
  );
});
