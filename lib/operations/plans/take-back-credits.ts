import type { CustomerHead } from '../../domain/customer.ts';
import type { FixAttempt } from '../../domain/fix-attempt.ts';
import {
  bringsProCredits,
  creditsFor,
  grantForInvoice,
  type InvoiceGuard,
  newInvoiceGuard,
  type ProInvoice,
  takeBack,
} from '../../domain/grants.ts';
import type { Posting } from '../../domain/ledger.ts';
import { creditsRemoved, disputeOpened } from '../../domain/notice.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { decodeFix, noteRefund } from '../../store/fix-attempts.ts';
import { keepInvoice } from '../../store/guards.ts';
import { type Key, keys } from '../../store/keys.ts';
import { putNotice } from '../../store/notices.ts';
import type { Write } from '../../store/table.ts';
import type { ReturnedMoney } from '../../stripe/port.ts';
import { changeLedger, type LedgerDecision, type Receipt } from '../ledger/change-ledger.ts';
import { guardOf } from './grant-invoice.ts';

interface Affected {
  readonly fix: FixAttempt | null;
  readonly guard: InvoiceGuard | null;
}

/**
 * Brings the ledger to what Stripe says went back of a charge: takes credits of a Pro invoice back, or restores them, marks
 * a fix as refunded, and holds off further charges while a dispute is open. Goes by how much went back in all, asked anew
 * each time, so it does not matter which event caused it, how often, or in which order. Safe to repeat.
 * @param known what Stripe said when the customer was looked for
 * @throws StripeFault, BillingError customer_not_found, ledger_busy, ledger_unavailable
 */
export async function reverseReturnedMoney(
  deps: PaymentDeps,
  customerId: string,
  known: ReturnedMoney,
  receipt: Receipt,
): Promise<void> {
  const { chargeId, paidFor } = known;
  await changeLedger<Affected, null, ReturnedMoney>(deps, {
    customerId,
    relatedKeys: affectedKeys(customerId, paidFor),
    decodeRelated: ([item]) => ({
      fix: paidFor.kind === 'fix' && item !== undefined ? decodeFix(item) : null,
      guard: paidFor.kind === 'invoice' ? guardOf(item) : null,
    }),
    receipt,
    fetchCurrent: async () => (await deps.stripe()).readReturnedMoney(chargeId),
    decide: ({ head, related }, money = known) => decide(head, related, money),
  });
}

function affectedKeys(customerId: string, paidFor: ReturnedMoney['paidFor']): Key[] {
  switch (paidFor.kind) {
    case 'fix':
      return [keys.fix(customerId, paidFor.fix.fixAttemptId)];
    case 'invoice':
      return [keys.once(customerId, 'invoice', paidFor.invoice.id)];
    case 'other':
      return [];
    default:
      return paidFor satisfies never;
  }
}

function decide(head: CustomerHead, { fix, guard }: Affected, money: ReturnedMoney): LedgerDecision<null> {
  const openDisputes = openAfter(head.openDisputes, money.disputes);
  const { paidFor, returnedCents, paymentIntentId } = money;
  const notices = (at: Date) => noticesOf(head, money, at);

  if (paidFor.kind === 'invoice') {
    const reversal = reverseInvoice(head, paidFor.invoice, guard, money);
    if (reversal !== null) {
      const { postings, debt, kept } = reversal;
      return {
        kind: 'write',
        postings,
        profile: { debt, openDisputes },
        writes: (next, at) => [
          keepInvoice(head.customerId, kept, guard),
          ...notices(at),
          ...removalNotice(head, next, reversal, money, at),
        ],
        answer: () => null,
      };
    }
  }
  if (
    fix !== null &&
    fix.billed?.paymentIntentId === paymentIntentId &&
    fix.refundedCents !== returnedCents
  ) {
    return {
      kind: 'write',
      profile: { openDisputes },
      writes: (_, at) => [noteRefund(head.customerId, fix, returnedCents), ...notices(at)],
      answer: () => null,
    };
  }
  // Also where nothing moved: an answer from before, still on its way, must not be written over this one.
  return {
    kind: 'write',
    profile: { openDisputes },
    writes: (_, at) => notices(at),
    answer: () => null,
  };
}

/** Of each dispute that was not known to be open. */
const noticesOf = (
  { customerId, openDisputes }: CustomerHead,
  { disputes }: ReturnedMoney,
  at: Date,
): Write[] =>
  disputes
    .filter(({ id, open }) => open && !openDisputes.includes(id))
    .map((dispute) => putNotice(disputeOpened(customerId, dispute, at)));

/** Tells the customer when credits were taken back, how many, and why; nothing where credits were restored. */
function removalNotice(
  before: CustomerHead,
  after: CustomerHead,
  { postings, kept }: { readonly postings: readonly Posting[]; readonly kept: InvoiceGuard },
  { returnedCents, disputes }: ReturnedMoney,
  at: Date,
): Write[] {
  const taken = postings.filter(({ source }) => source === 'refund_reversal');
  const removed = taken.reduce((sum, { amount }) => sum - amount, 0);
  const reasons = disputes.length > 0 ? (['dispute'] as const) : (['refund'] as const);
  const notice = creditsRemoved(
    before,
    after,
    { invoiceId: kept.invoiceId, removed, returnedCents, reasons },
    at,
  );
  return notice === null ? [] : [putNotice(notice)];
}

/** Null where the ledger has counted all that went back. */
function reverseInvoice(
  head: CustomerHead,
  invoice: ProInvoice,
  guard: InvoiceGuard | null,
  { chargeId, returnedCents }: ReturnedMoney,
) {
  if (guard === null && !bringsProCredits(invoice)) return null;
  // The refund may be heard of before the payment: then both are counted now, and the payment finds it done.
  const granted = guard === null ? grantForInvoice(head, invoice) : { postings: [], debt: head.debt };
  const before = guard ?? newInvoiceGuard(invoice);
  const cents = Math.min(returnedCents, before.totalCents);
  if (cents === before.reversedCents) {
    return guard === null ? { ...granted, kept: before } : null;
  }
  const balance = granted.postings.reduce((sum, { amount }) => sum + amount, head.balance);
  const credits = creditsFor(before, cents);
  const taken = takeBack({ balance, debt: granted.debt }, credits - before.reversedCredits, {
    reason: cents > before.reversedCents ? 'money_returned' : 'money_kept',
    invoice_id: before.invoiceId,
    charge_id: chargeId,
    cents_before: before.reversedCents,
    cents_returned: cents,
    total_cents: before.totalCents,
    credits_reversed: credits,
  });
  return {
    postings: [...granted.postings, ...taken.postings],
    debt: taken.debt,
    kept: { ...before, reversedCents: cents, reversedCredits: credits },
  };
}

function openAfter(before: readonly string[], disputes: ReturnedMoney['disputes']): readonly string[] {
  const told = new Set(disputes.map(({ id }) => id));
  const open = disputes.filter((dispute) => dispute.open).map(({ id }) => id);
  return [...before.filter((id) => !told.has(id)), ...open].sort();
}
