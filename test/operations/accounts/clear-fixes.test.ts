import { beforeAll, describe, expect, it } from 'vitest';
import { clearFixes, eachPageOfFixes } from '../../../lib/operations/accounts/clear-fixes.ts';
import { type NewFixAttempt, recordFixAttempt } from '../../../lib/operations/fixes/record-fix-attempt.ts';
import { decodeFix } from '../../../lib/store/fix-attempts.ts';
import { keys } from '../../../lib/store/keys.ts';
import { readTogether } from '../../../lib/store/table.ts';
import { customerWith, newFix } from '../../support/fixtures.ts';
import { writeFixes } from '../../support/large-history.ts';
import { countingCalls, openTestTable, testDeps } from '../../support/table.ts';

/* How the fixes of a closed account lose their personal data, page by page. */

let deps: ReturnType<typeof testDeps>;
let customerId: string;
beforeAll(async () => {
  deps = testDeps(await openTestTable());
  customerId = (await customerWith(deps, 5)).head.customerId;
});

const CLEAR = {
  ...{ prTitle: '', prUrl: '', issueNumber: null, issueTitle: null, issueUrl: null },
  ...{ vulnerabilityId: null, metadataJson: null },
} as const;

describe('clearing fixes', () => {
  it.each<[number, Partial<NewFixAttempt>]>([
    [1, { prTitle: 'Fix by Jane Doe' }],
    [2, { prUrl: 'https://github.com/acme/webshop/pull/2' }],
    [3, { issueNumber: 3 }],
    [4, { issueTitle: 'Jane Doe found it' }],
    [5, { issueUrl: 'https://github.com/acme/webshop/issues/5' }],
    [6, { vulnerabilityId: 'CVE-2026-0006' }],
    [7, { metadataJson: '{"author":"Jane Doe"}' }],
  ])('fix %i is cleared although its only personal data is %j', async (prNumber, data) => {
    const { fix } = await recordFixAttempt(deps, customerId, { ...newFix(prNumber), ...CLEAR, ...data });
    expect(fix).toMatchObject(data);
    await clearFixes(deps, customerId, [fix]);
    const [stored] = await readTogether(deps.table, [keys.fix(customerId, fix.id)]);
    const cleared = decodeFix(stored ?? {});
    expect(cleared).toMatchObject({ prNumber, ...CLEAR });
    // A cleared fix is not written again, so a repeat over a long history costs only reads.
    const again = await countingCalls(deps.table, () => clearFixes(deps, customerId, [cleared]));
    expect(again.calls).toEqual([]);
  });
});

describe('a search through fixes', () => {
  it.each([
    [700, [500, 200], [400]],
    [1_000, [500, 500], [100]],
  ])('a search stops after %i fixes, and the next one continues there', async (most, first, second) => {
    const { head } = await customerWith(deps, 5);
    await writeFixes(deps, head.customerId, { recorded: 1_100, billed: 0 });
    const ids: string[] = [];
    const search = async (from: string | null) => {
      const pages: number[] = [];
      const searched = await eachPageOfFixes(deps, head.customerId, { from, most }, async (fixes) => {
        pages.push(fixes.length);
        ids.push(...fixes.map(({ id }) => id));
      });
      return { pages, searched };
    };
    const one = await search(null);
    expect(one).toEqual({ pages: first, searched: { kind: 'up_to', after: expect.any(String) } });
    const after = one.searched.kind === 'up_to' ? one.searched.after : '';
    expect(after).toBe(keys.fix(head.customerId, ids.at(-1) ?? '').sk);
    expect(await search(after)).toEqual({ pages: second, searched: { kind: 'all' } });
    expect(new Set(ids).size).toBe(1_100);
  });
});
