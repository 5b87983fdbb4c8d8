import { type CheckedCustomer, driftOf, withCustomers } from '../../domain/reconciliation.ts';
import type { Meter } from '../../store/paging.ts';
import { beginWalk, stepOn } from './large-customer.ts';
import { lookForRest, notRead, unverified } from './looks.ts';
import { assertNoOutage } from './outage.ts';
import type { Position } from './stored-run.ts';
import type { Work } from './work.ts';

/** A customer's items take more read units than are read at once. */
export class TooLarge extends Error {}

/** A meter that ends the reading of one customer after so many units. @throws TooLarge */
export function upTo(mostUnits: number, meter: Meter): Meter {
  let used = 0;
  return async (units) => {
    used += units;
    await meter(units);
    if (used > mostUnits) throw new TooLarge();
  };
}

type Large = Position['large'][number];

/**
 * Checks large customers one after another, part by part. They come after all other customers, so none of those waits for them. An
 * invocation that ends inside a customer leaves the rest of that customer to the next.
 * @throws StripeFault, BillingError when Stripe or the ledger cannot be reached
 */
export async function checkLargeCustomers(work: Work): Promise<void> {
  const { held } = work;
  for (;;) {
    const [first, ...rest] = held.run.position.large;
    if (first === undefined || held.isOver) return;
    const { next, found } = await step(work, first);
    await held.advance(({ report, position }) => ({
      report: withCustomers(report, found),
      position: { ...position, large: next === null ? rest : [next, ...rest] },
    }));
  }
}

interface Step {
  /** Where the customer's audit stands; null at its end. */
  readonly next: Large | null;
  readonly found: readonly CheckedCustomer[];
}

async function step(work: Work, { customerId, walk: before }: Large): Promise<Step> {
  const { deps, meter } = work;
  try {
    const walk = before ?? (await beginWalk(deps.table, customerId));
    if (walk === null) {
      const rest = await lookForRest(work, customerId);
      return { next: null, found: rest === null ? [] : [rest] };
    }
    const after = await stepOn(deps.table, walk, meter);
    if (after.leg !== 'done') return { next: { customerId, walk: after }, found: [] };
    const drift = after.found.map((violation) => driftOf(customerId, violation));
    return {
      next: null,
      found: [{ entries: after.before.seq, charges: 0, invoices: 0, isCompared: true, drift }],
    };
  } catch (error) {
    await assertNoOutage(work, error);
    return { next: null, found: [unverified({ customerId, ...notRead(error) })] };
  }
}
