import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { fixAttemptId } from '../../lib/domain/fix-attempt.ts';
import { type Posting, post } from '../../lib/domain/ledger.ts';
import type { Deps } from '../../lib/runtime/deps.ts';
import { encodeNewFix } from '../../lib/store/fix-attempts.ts';
import { readHead } from '../../lib/store/heads.ts';
import { keys } from '../../lib/store/keys.ts';
import { encodeEntry } from '../../lib/store/ledger.ts';
import type { Item } from '../../lib/store/table.ts';
import { documents } from './documents.ts';
import { newFix } from './fixtures.ts';
import { putAll } from './history.ts';

/** The number of items held before they are written. */
const PART = 5_000;

/**
 * Adds a valid history to a customer at once: `recorded` fixes, the first `billed` of them paid with credits.
 * One adjustment grants these credits.
 */
export async function writeFixes(
  { table, now }: Deps,
  customerId: string,
  { recorded, billed }: { readonly recorded: number; readonly billed: number },
): Promise<void> {
  const head = await readHead(table, customerId);
  if (head === null) throw new Error('no head');
  const at = now();
  const key = 'large-history';
  const guard: Item = {
    ...keys.once(customerId, 'adjustment', key),
    amount: billed,
    reason: 'test',
    actor: 'tests',
    balance_after: head.balance + billed,
    seq: head.seq + 1,
  };
  const brought: Posting = { amount: billed, source: 'adjustment', metadata: { idempotency_key: key } };
  let { state, entries } = post(head, billed === 0 ? [] : [brought], at);
  const items: Item[] = [...entries.map(encodeEntry), ...(billed === 0 ? [] : [guard])];
  for (let n = 1; n <= recorded; n++) {
    const fix = newFix(n);
    const id = fixAttemptId(fix);
    const stored = encodeNewFix(customerId, { ...fix, id, createdAt: at.toISOString() });
    if (n <= billed) {
      const deployed: Posting = { amount: -1, source: 'fix_deployed', metadata: { fix_attempt_id: id } };
      ({ state, entries } = post(state, [deployed], at));
      items.push(...entries.map(encodeEntry));
      stored['billed'] = billedBy(state.seq, at);
    }
    items.push(stored);
    if (items.length >= PART) await putAll(table, items.splice(0));
  }
  await putAll(table, items);
  const { balance, seq, chain } = state;
  await documents(table).send(
    new UpdateCommand({
      TableName: table.name,
      Key: { ...keys.head(customerId) },
      UpdateExpression: 'SET balance = :b, seq = :s, chain = :c',
      ExpressionAttributeValues: { ':b': balance, ':s': seq, ':c': chain },
    }),
  );
}

const billedBy = (seq: number, at: Date): Item => ({
  outcome: 'credit_consumed',
  amount_cents: 0,
  billed_at: at.toISOString(),
  seq,
  payment_intent_id: null,
});
