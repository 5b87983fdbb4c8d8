import type { PullRequest } from '../fix-attempt.ts';
import type { EntryMetadata, EntrySource, LedgerEntry } from '../ledger.ts';

/*
 * The statement for people: one line for each change. A fix that was charged to a card has two entries, the
 * purchased credit and the fix that used it. They are one line.
 */

export type LineKind = Exclude<EntrySource, 'purchased' | 'fix_deployed'> | 'fix_by_credit' | 'fix_by_card';

export interface StatementLine {
  /** Number of the line's last entry. */
  readonly seq: number;
  readonly at: string;
  readonly kind: LineKind;
  /** Null for a line that is no fix. */
  readonly pull: PullRequest | null;
  /** The id of the fix; null for a line that is no fix. */
  readonly fixId: string | null;
  /** The change of the balance: 0 for a fix that was charged to a card. */
  readonly credits: number;
  readonly balanceAfter: number;
  /** US cents charged to the card for the fix. */
  readonly chargedCents: number;
}

/** @param entries in stored order, without gaps. A purchased credit whose fix is missing has its own line. */
export function linesOf(entries: readonly LedgerEntry[]): StatementLine[] {
  const lines: StatementLine[] = [];
  entries.forEach((entry, i) => {
    if (belongTogether(entry, entries[i + 1])) return;
    const before = entries[i - 1];
    lines.push(lineOf(entry, belongTogether(before, entry) ? before : undefined));
  });
  return lines;
}

/**
 * A part of the statement as whole lines. A purchased credit at its end belongs to the next part, so that no
 * fix is split.
 * @param entries of the part, in stored order, with the entry before it if there is one
 * @param part the numbers of its first and last entry, and of the last entry of the whole
 */
export function linesOfPart(
  entries: readonly LedgerEntry[],
  { first, last, end }: { readonly first: number; readonly last: number; readonly end: number },
): StatementLine[] {
  return linesOf(
    entries.filter(
      ({ seq, source }) =>
        (seq >= first || (seq === first - 1 && source === 'purchased')) &&
        (seq < last || (seq === last && (source !== 'purchased' || last === end))),
    ),
  );
}

/** Both entries of a charged fix are written together, so they are neighbours. */
const belongTogether = (bought: LedgerEntry | undefined, fix: LedgerEntry | undefined): boolean =>
  bought?.source === 'purchased' &&
  fix?.source === 'fix_deployed' &&
  bought.metadata['fix_attempt_id'] === fix.metadata['fix_attempt_id'];

function lineOf(entry: LedgerEntry, bought: LedgerEntry | undefined): StatementLine {
  const { seq, createdAt, source, metadata, balanceAfter } = entry;
  const fixId = metadata['fix_attempt_id'];
  return {
    seq,
    at: createdAt,
    kind: kindOf(source, metadata),
    pull: pullOf(metadata),
    fixId: typeof fixId === 'string' ? fixId : null,
    credits: entry.amount + (bought?.amount ?? 0),
    balanceAfter,
    // The fix's own entry of an earlier release has the amount too.
    chargedCents: amountIn(bought?.metadata) ?? amountIn(metadata) ?? 0,
  };
}

function kindOf(source: EntrySource, metadata: EntryMetadata): LineKind {
  switch (source) {
    case 'purchased':
      return 'fix_by_card';
    case 'fix_deployed':
      return metadata['payment_intent_id'] === undefined ? 'fix_by_credit' : 'fix_by_card';
    default:
      return source;
  }
}

const amountIn = (metadata: EntryMetadata | undefined): number | null => {
  const cents = metadata?.['amount_cents'];
  return typeof cents === 'number' ? cents : null;
};

function pullOf(metadata: EntryMetadata): PullRequest | null {
  const { github_org: githubOrg, repo_name: repoName, pr_number: prNumber } = metadata;
  return typeof githubOrg === 'string' && typeof repoName === 'string' && typeof prNumber === 'number'
    ? { githubOrg, repoName, prNumber }
    : null;
}

/** The fixes of one repository. */
export interface RepositoryTotal {
  /** `org/name`; null for fixes whose entries do not name it. */
  readonly repository: string | null;
  readonly fixes: number;
  readonly byCredit: number;
  readonly chargedCents: number;
}

/** Totals of the fixes among the lines, by repository, the most fixes first. */
export function byRepository(lines: readonly StatementLine[]): RepositoryTotal[] {
  const totals = new Map<string, RepositoryTotal>();
  for (const line of lines) {
    if (line.kind !== 'fix_by_credit' && line.kind !== 'fix_by_card') continue;
    const repository = line.pull === null ? null : `${line.pull.githubOrg}/${line.pull.repoName}`;
    // GitHub ignores the case of names.
    const key = repository?.toLowerCase() ?? '';
    const { fixes, byCredit, chargedCents } = totals.get(key) ?? { fixes: 0, byCredit: 0, chargedCents: 0 };
    totals.set(key, {
      repository: totals.get(key)?.repository ?? repository,
      fixes: fixes + 1,
      byCredit: byCredit + (line.kind === 'fix_by_credit' ? 1 : 0),
      chargedCents: chargedCents + line.chargedCents,
    });
  }
  return [...totals.values()].sort(
    (a, b) => b.fixes - a.fixes || (a.repository ?? '').localeCompare(b.repository ?? ''),
  );
}

/** The sum of all repositories. */
export const totalOf = (totals: readonly RepositoryTotal[]): Omit<RepositoryTotal, 'repository'> => ({
  fixes: totals.reduce((sum, { fixes }) => sum + fixes, 0),
  byCredit: totals.reduce((sum, { byCredit }) => sum + byCredit, 0),
  chargedCents: totals.reduce((sum, { chargedCents }) => sum + chargedCents, 0),
});

const ORGANISATION = /^[A-Za-z0-9][A-Za-z0-9_-]{0,98}$/;
const REPOSITORY = /^(?:\.{0,2}[A-Za-z0-9_-]|\.{3})[A-Za-z0-9._-]{0,99}$/;

/**
 * The address of a pull request at GitHub, made from its names; null if they cannot be names at GitHub. The
 * address that a caller sent is never linked.
 */
export const pullRequestUrl = ({ githubOrg, repoName, prNumber }: PullRequest): string | null =>
  ORGANISATION.test(githubOrg) && REPOSITORY.test(repoName) && Number.isSafeInteger(prNumber) && prNumber > 0
    ? `https://github.com/${githubOrg}/${repoName}/pull/${prNumber}`
    : null;
