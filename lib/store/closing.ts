import { CONDITIONS } from './conditions.ts';
import { keys } from './keys.ts';
import type { AlongsideWrite } from './ledger.ts';
import { type Table, writeOne } from './table.ts';

/* What is forgotten when an account is closed. */

/** Gives an address free that a customer had claimed. */
export function forgetEmail(email: string, customerId: string): AlongsideWrite {
  return (table) => ({
    Delete: {
      TableName: table.name,
      Key: keys.email(email),
      ConditionExpression: CONDITIONS.EMAIL_IS_THEIRS,
      ExpressionAttributeValues: { ':customer': customerId },
    },
  });
}

/**
 * Takes titles, links and the caller's own data out of a fix attempt. What it was billed for stays: organisation, repository
 * and number are part of the ledger's hashes. A repeat is safe.
 */
export async function anonymiseFix(table: Table, customerId: string, fixId: string): Promise<void> {
  await writeOne(table, {
    update: {
      Key: { ...keys.fix(customerId, fixId) },
      UpdateExpression:
        'SET pr_title = :gone, pr_url = :gone, issue_number = :none, issue_title = :none, issue_url = :none, ' +
        'vulnerability_id = :none, metadata_json = :none',
      ConditionExpression: CONDITIONS.FIX_IS_THERE,
      ExpressionAttributeValues: { ':gone': '', ':none': null },
    },
  });
}
