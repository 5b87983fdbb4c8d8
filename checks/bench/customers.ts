import { BatchWriteCommand } from '@aws-sdk/lib-dynamodb';
import type { CustomerHead } from '../../lib/domain/customer.ts';
import { type FixAttempt, fixAttemptId } from '../../lib/domain/fix-attempt.ts';
import { verifyLedger } from '../../lib/domain/verify.ts';
import type { Deps } from '../../lib/runtime/deps.ts';
import { readLedgerRecords } from '../../lib/store/audit/audit.ts';
import { encodeNewFix } from '../../lib/store/fix-attempts.ts';
import { decodeHead } from '../../lib/store/heads.ts';
import { keys } from '../../lib/store/keys.ts';
import { readTogether } from '../../lib/store/table.ts';
import { documents } from '../../test/support/documents.ts';
import { customerWith, newFix, range } from '../../test/support/fixtures.ts';

const BATCH = 25;

export interface BenchCustomer {
  readonly apiKey: string;
  readonly keyId: string;
  readonly head: CustomerHead;
  readonly fixes: readonly FixAttempt[];
}

/** A customer with `count` recorded fixes and exactly one credit for each. */
export async function customerWithFixes(deps: Deps, count: number): Promise<BenchCustomer> {
  const { table, now } = deps;
  const signedUp = await customerWith(deps, count);
  const { customerId } = signedUp.head;
  const fixes = range(1, count).map((prNumber): FixAttempt => {
    const fix = newFix(prNumber);
    return {
      ...fix,
      id: fixAttemptId(fix),
      createdAt: now().toISOString(),
      billed: null,
      charge: null,
      refundedCents: 0,
      blockedAtRaise: null,
      repositoryId: null,
      newestId: null,
    };
  });
  for (let from = 0; from < fixes.length; from += BATCH) {
    const puts = fixes
      .slice(from, from + BATCH)
      .map((fix) => ({ PutRequest: { Item: encodeNewFix(customerId, fix) } }));
    const { UnprocessedItems } = await documents(table).send(
      new BatchWriteCommand({ RequestItems: { [table.name]: puts } }),
    );
    if (Object.keys(UnprocessedItems ?? {}).length > 0)
      throw new Error('the engine did not process the whole batch');
  }

  const [head] = await readTogether(table, [keys.head(customerId)]);
  if (head === undefined) throw new Error(`no head for ${customerId}`);
  return { apiKey: signedUp.apiKey, keyId: signedUp.keyId, head: decodeHead(head), fixes };
}

/** @throws Error unless every fix was billed once, no credit is left and the ledger is sound */
export async function assertAllBilled({ table }: Deps, { head, fixes }: BenchCustomer): Promise<void> {
  const records = await readLedgerRecords(table, head.customerId);
  if (records === null) throw new Error(`customer ${head.customerId} has no ledger`);
  const violations = verifyLedger(records).map(({ message }) => message);
  if (records.head.balance !== 0) violations.push(`the balance is ${records.head.balance}, instead of 0`);
  const billed = records.fixes.filter((fix) => fix.billed).length;
  if (billed !== fixes.length) violations.push(`${billed} of ${fixes.length} fixes are billed`);
  if (violations.length > 0) throw new Error(`customer ${head.customerId}: ${violations.join('; ')}`);
}
