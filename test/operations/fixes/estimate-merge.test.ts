import { expect, it } from 'vitest';
import { estimateKeys, estimateMerge } from '../../../lib/operations/fixes/estimate-merge.ts';
import { recordFixAttempt } from '../../../lib/operations/fixes/record-fix-attempt.ts';
import { readTogether } from '../../../lib/store/table.ts';
import { customerWith, newFix } from '../../support/fixtures.ts';
import { openTestTable, testDeps } from '../../support/table.ts';

it('what merging a fix costs is left out if the account is missing or unreadable, so that recording goes on', async () => {
  const deps = testDeps(await openTestTable());
  const { head } = await customerWith(deps, 3);
  const { fix } = await recordFixAttempt(deps, head.customerId, newFix(1));
  const at = deps.now();
  const [stored, ...others] = await readTogether(deps.table, estimateKeys(head.customerId, at));
  expect(estimateMerge([stored, ...others], fix, at)).toEqual({ kind: 'credit', amountCents: 0, left: 3 });
  expect(estimateMerge([undefined, ...others], fix, at)).toBeNull();
  expect(estimateMerge([{ ...stored, balance: 'three' }, ...others], fix, at)).toBeNull();
});
