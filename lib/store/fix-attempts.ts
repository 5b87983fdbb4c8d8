import type { FixAttempt } from '../domain/fix-attempt.ts';
import { CONDITIONS } from './conditions.ts';
import { decodeFix, encodeNewFix } from './items.ts';
import { type Table, type WriteResult, writeOne } from './table.ts';

export type RecordFixResult =
  | { readonly kind: 'recorded' }
  | { readonly kind: 'exists'; readonly fix: FixAttempt }
  | { readonly kind: 'contended' };

/** Stores a fix attempt unless the pull request has one already. A repeat is safe: the first one stays. */
export async function putNewFix(
  table: Table,
  customerId: string,
  fix: Omit<FixAttempt, 'billed'>,
): Promise<RecordFixResult> {
  const result: WriteResult = await writeOne(table, {
    put: { Item: encodeNewFix(customerId, fix), ConditionExpression: CONDITIONS.FIX_IS_NEW },
  });
  switch (result.kind) {
    case 'written':
      return { kind: 'recorded' };
    case 'contended':
      return result;
    case 'refused': {
      const [winner] = result.winners;
      return winner ? { kind: 'exists', fix: decodeFix(winner) } : { kind: 'contended' };
    }
    default:
      return result satisfies never;
  }
}
