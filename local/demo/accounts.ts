import type { Transaction } from '../../cli/stage/api-client.ts';
import { useLocalAws } from '../../cli/stage/local-aws.ts';
import { localDeps } from '../../cli/stage/local-deps.ts';
import type { RunningStack } from '../../cli/stage/running.ts';
import { readServerlessFile } from '../../cli/stage/serverless-file.ts';
import { formatUsd } from '../../lib/domain/pricing.ts';
import { INVARIANTS, verifyLedger } from '../../lib/domain/verify.ts';
import { auditCustomer } from '../../lib/operations/reconcile/audit-customer.ts';
import type { PaymentDeps } from '../../lib/runtime/deps.ts';
import { readLedgerRecords } from '../../lib/store/audit/audit.ts';
import { colour } from './step.ts';

/** Money in US cents. */
interface Paid {
  readonly forFixes: number;
  readonly forPro: number;
}

/** Whether each entry has the right balance and the last one equals the customer's balance. */
export function addsUp(entries: readonly Transaction[], balance: number): boolean {
  let sum = 0;
  const eachFollows = entries.every(({ amount, balance_after }) => {
    sum += amount;
    return sum === balance_after;
  });
  return eachFollows && sum === balance;
}

/**
 * Checks every invariant in the table, and compares the paid amounts of the ledger with Stripe. Prints both
 * amounts.
 * @returns a line for each fault
 */
export async function auditAccounts(
  stack: RunningStack,
  customerIds: readonly string[],
): Promise<readonly string[]> {
  useLocalAws(process.env);
  const deps = localDeps(stack.endpoint, readServerlessFile().tableName, stack.stripe);
  try {
    return await compare(deps, customerIds);
  } finally {
    deps.table.client.destroy();
  }
}

async function compare(deps: PaymentDeps, customerIds: readonly string[]): Promise<string[]> {
  const faults: string[] = [];
  const ledger = { forFixes: 0, forPro: 0 };
  const atStripe = { forFixes: 0, forPro: 0 };
  for (const customerId of customerIds) {
    const stored = await readLedgerRecords(deps.table, customerId);
    const audited = await auditCustomer(deps, customerId);
    if (stored === null || audited === null) {
      return [`Customer ${customerId} is not in the table of the local stack.`];
    }
    for (const { invariant, message } of [...verifyLedger(audited), ...(audited.audit?.money ?? [])]) {
      const broken = invariant === null ? '' : `; broken: ${INVARIANTS[invariant]} (invariant ${invariant})`;
      faults.push(`${customerId}: ${message}${broken}`);
    }
    for (const { source, metadata } of stored.entries) {
      if (source === 'purchased') ledger.forFixes += Number(metadata['amount_cents']);
      if (source === 'pro_subscription_payment') ledger.forPro += Number(metadata['total_cents']);
    }
    const { stripeCustomerId } = stored.head;
    if (stripeCustomerId === null) continue;
    const { fixPayments, proInvoices } = await (await deps.stripe()).readPaidMoney(stripeCustomerId);
    for (const { amountCents } of fixPayments) atStripe.forFixes += amountCents;
    for (const { totalCents } of proInvoices) atStripe.forPro += totalCents;
  }
  if (faults.length === 0) console.log('Every invariant holds, also compared with Stripe.');
  printPaid(ledger, atStripe);
  const agree = ledger.forFixes === atStripe.forFixes && ledger.forPro === atStripe.forPro;
  return agree ? faults : [...faults, 'The ledger and Stripe differ.'];
}

function printPaid(ledger: Paid, atStripe: Paid): void {
  const row = (label: string, ...sums: string[]) =>
    `  ${label.padEnd(18)}${sums.map((sum) => sum.padStart(12)).join('')}`;
  console.log(colour('dim', row('', 'the ledger', 'Stripe')));
  console.log(row('charged for fixes', formatUsd(ledger.forFixes), formatUsd(atStripe.forFixes)));
  console.log(row('paid for Pro', formatUsd(ledger.forPro), formatUsd(atStripe.forPro)));
}
