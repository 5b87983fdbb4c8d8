import type { CustomerHead } from '../../domain/customer.ts';
import { type CheckedCustomer, driftOf, withCustomers } from '../../domain/reconciliation.ts';
import { readOwners } from '../../store/audit/audit.ts';
import { readEntriesAfter } from '../../store/audit/parts.ts';
import { readHead } from '../../store/heads.ts';
import type { Meter } from '../../store/paging.ts';
import { driftAtStripe } from './account-drift.ts';
import { type AuditOptions, auditAtStripe } from './audit-customer.ts';
import type { MoneyAudit } from './auditor/audit-money.ts';
import { FactsSoFar } from './auditor/ledger-facts.ts';
import { customerFinding, findMissingHead, readFailure } from './customer-findings.ts';
import { startWalk, takeStep, type Walk } from './large-customer.ts';
import { assertNoOutage } from './outage.ts';
import type { Position } from './stored-run.ts';
import { sinceFirstDay } from './total-days.ts';
import { endOf, type Work } from './work.ts';

/** A customer's items take more read units than one read may. */
export class TooLarge extends Error {}

/** A meter that stops the reading of one customer above this many units. @throws TooLarge */
export function upTo(mostUnits: number, meter: Meter): Meter {
  let used = 0;
  return async (units) => {
    used += units;
    await meter(units);
    if (used > mostUnits) throw new TooLarge();
  };
}

const ENTRIES_AT_ONCE = 1_000;

type Large = Position['large'][number];

/**
 * Checks large customers one by one, in parts, after all other customers, so that no other customer waits for
 * them. If an invocation ends within a customer, the next one continues there.
 * @throws StripeFault, BillingError when Stripe or the ledger cannot be reached
 */
export async function checkLargeCustomers(work: Work): Promise<void> {
  const { lease } = work;
  for (;;) {
    const [first, ...rest] = lease.run.position.large;
    if (first === undefined || lease.mustStop) return;
    const { next, found } = await step(work, first);
    await lease.advance(({ report, position }) => ({
      report: withCustomers(report, found),
      position: { ...position, large: next === null ? rest : [next, ...rest] },
    }));
  }
}

interface Step {
  /** The state of the customer's audit; null at its end. */
  readonly next: Large | null;
  readonly found: readonly CheckedCustomer[];
}

async function step(work: Work, { customerId, walk: before }: Large): Promise<Step> {
  const { deps, meter } = work;
  try {
    const walk = before ?? (await startWalk(deps.table, customerId));
    if (walk === null) {
      const rest = await findMissingHead(work, customerId);
      return { next: null, found: rest === null ? [] : [rest] };
    }
    const after = await takeStep(deps.table, walk, meter);
    if (after.leg !== 'done') return { next: { customerId, walk: after }, found: [] };
    return { next: null, found: [await checkMoney(work, customerId, after)] };
  } catch (error) {
    await assertNoOutage(work, error);
    return { next: null, found: [customerFinding({ customerId, ...readFailure(error) })] };
  }
}

/**
 * Checks the money of a customer whose stored data is checked, in one step: 100,000 charges take about a
 * minute.
 */
async function checkMoney(work: Work, customerId: string, { before, found }: Walk): Promise<CheckedCustomer> {
  const { deps, meter, beforeAsking, prices } = work;
  const head = await readHead(deps.table, customerId);
  const audit =
    head === null
      ? null
      : await auditLarge(work, head, { paidBefore: endOf(work), meter, beforeAsking, prices });
  const violations = [...found, ...(head === null ? [] : await driftAtStripe(work, head, audit))];
  return {
    entries: before.seq,
    charges: audit?.charges ?? 0,
    invoices: audit?.invoices ?? 0,
    isCompared: audit?.isAll ?? true,
    ...(audit !== null && { atStripe: { customerId, ...audit, days: sinceFirstDay(work, audit.days) } }),
    drift: violations.map((violation) => driftOf(customerId, violation)),
  };
}

async function auditLarge(
  { deps, meter }: Work,
  head: CustomerHead,
  options: AuditOptions,
): Promise<MoneyAudit | null> {
  const { stripeCustomers } = await readOwners(deps.table, head, [], meter);
  if (stripeCustomers.length === 0) return null;
  const facts = new FactsSoFar();
  for (let afterSeq = 0; afterSeq < head.seq; ) {
    const part = { afterSeq, upTo: head.seq, limit: ENTRIES_AT_ONCE };
    const entries = await readEntriesAfter(deps.table, head.customerId, part, meter);
    facts.add(entries);
    afterSeq = entries.at(-1)?.seq ?? head.seq;
  }
  return auditAtStripe(
    deps,
    head,
    { facts, stripeCustomerIds: stripeCustomers.map(({ id }) => id) },
    options,
  );
}
