import type { FixAttempt } from '../../domain/fix-attempt.ts';
import { BillingError } from '../../errors.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { billFixAttempt, CostsMore } from './bill-fix-attempt.ts';
import type { FixBilling } from './decide-step.ts';
import { reportCreditOrBlock } from './report-billing.ts';

/** The outcome of one fix. `costs_more`: more than the person agreed to. `pending`: no outcome yet. */
export type WaitingOutcome = FixBilling | { readonly kind: 'costs_more' } | { readonly kind: 'pending' };

export interface BilledWaiting {
  readonly results: readonly { readonly fix: FixAttempt; readonly outcome: WaitingOutcome }[];
  /** The fixes without an outcome here, in their order: not tried, or left after a failure. */
  readonly left: readonly FixAttempt[];
}

/** For one click. A charge takes about a second; the function's timeout leaves time for the last one. */
const MAX_TRIED = 5;
const MAX_RUN_MS = 12_000;

/**
 * Bills fixes one after the other because a person asked for it, and stops at the first that the card does
 * not pay. Passes over a fix that already waits for the cardholder's approval. Never charges more than
 * `mostCents` in total. A repeat charges no fix again.
 * @throws BillingError payments_unavailable, payments_misconfigured, ledger_busy, ledger_unavailable if not
 * even the first fix could be tried
 */
export async function billWaiting(
  deps: PaymentDeps,
  customerId: string,
  fixes: readonly FixAttempt[],
  mostCents: number,
): Promise<BilledWaiting> {
  const startedMs = deps.now().getTime();
  const results: { fix: FixAttempt; outcome: WaitingOutcome }[] = [];
  let leftCents = mostCents;
  let tried = 0;
  for (const [i, fix] of fixes.entries()) {
    if (tried === MAX_TRIED || deps.now().getTime() - startedMs > MAX_RUN_MS) break;
    const outcome = await billOne(deps, customerId, fix.id, leftCents, i === 0);
    if (outcome === null) break;
    results.push({ fix, outcome });
    reportCreditOrBlock(deps, customerId, fix.id, outcome);
    // A payment that the bank had asked about before this click does not hold up the other fixes.
    if (outcome.kind === 'action_required' && outcome.payment.paymentIntentId === fix.charge?.paymentIntentId)
      continue;
    tried += 1;
    if (outcome.kind !== 'billed') break;
    if (!outcome.already) leftCents -= outcome.billed.amountCents;
  }
  return { results, left: fixes.slice(results.length) };
}

/** Null if Stripe or the table failed after other fixes were billed: the fix is left for the next click. */
async function billOne(
  deps: PaymentDeps,
  customerId: string,
  fixId: string,
  mostCents: number,
  isFirst: boolean,
): Promise<WaitingOutcome | null> {
  try {
    return await billFixAttempt(deps, customerId, fixId, undefined, { byPerson: true, mostCents });
  } catch (error) {
    if (error instanceof CostsMore) return { kind: 'costs_more' };
    if (!(error instanceof BillingError)) throw error;
    if (error.code === 'payment_pending') return { kind: 'pending' };
    if (isFirst) throw error;
    return null;
  }
}
