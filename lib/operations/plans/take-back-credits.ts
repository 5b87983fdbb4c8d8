import type { CustomerHead } from '../../domain/customer.ts';
import type { FixAttempt } from '../../domain/fix-attempt.ts';
import type { InvoiceGuard } from '../../domain/grants.ts';
import { disputeOpened } from '../../domain/notice.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { decodeFix, noteRefund } from '../../store/fix-attempts.ts';
import { type Key, keys } from '../../store/keys.ts';
import { putNotice } from '../../store/notices.ts';
import type { Write } from '../../store/table.ts';
import type { InvoiceValue, ReturnedMoney } from '../../stripe/port.ts';
import { changeLedger, type LedgerDecision, type Receipt } from '../ledger/change-ledger.ts';
import { guardOf, settleInvoice, settlementDue } from './settle-invoice.ts';

interface Affected {
  readonly fix: FixAttempt | null;
  readonly guard: InvoiceGuard | null;
}

interface Current {
  readonly money: ReturnedMoney;
  readonly value: InvoiceValue | null;
}

/**
 * Brings the ledger to what Stripe says went back of a charge: takes credits of an invoice back, or restores them, marks a fix as
 * refunded, and holds off further charges while a dispute is open. Reads from Stripe how much went
 * back in all, so the cause, number and order of the events do not matter. Safe to repeat.
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
  const [invoiceId, ...others] = paidFor.kind === 'invoices' ? paidFor.invoiceIds : [];
  // A payment of several invoices: each is a change of its own, and the last one records the event.
  for (const other of others) await settleInvoice(deps, customerId, other);
  await changeLedger<Affected, null, Current>(deps, {
    customerId,
    relatedKeys: affectedKeys(customerId, paidFor, invoiceId),
    decodeRelated: ([item]) => ({
      fix: paidFor.kind === 'fix' && item !== undefined ? decodeFix(item) : null,
      guard: invoiceId === undefined ? null : guardOf(item),
    }),
    receipt,
    fetchCurrent: async ({ related: { guard } }) => {
      const stripe = await deps.stripe();
      const money = await stripe.readReturnedMoney(chargeId);
      if (invoiceId === undefined) return { money, value: null };
      return { money, value: await stripe.readInvoiceValue(invoiceId, { hasBrought: guard !== null }) };
    },
    decide: ({ head, related }, current) => decide(head, related, current ?? { money: known, value: null }),
  });
}

function affectedKeys(
  customerId: string,
  paidFor: ReturnedMoney['paidFor'],
  invoiceId: string | undefined,
): Key[] {
  if (paidFor.kind === 'fix') return [keys.fix(customerId, paidFor.fix.fixAttemptId)];
  return invoiceId === undefined ? [] : [keys.once(customerId, 'invoice', invoiceId)];
}

function decide(
  head: CustomerHead,
  { fix, guard }: Affected,
  { money, value }: Current,
): LedgerDecision<null> {
  const { returnedCents, paymentIntentId } = money;
  const settled = value && settlementDue(head, value.invoice, value.returned, guard);
  const isNew =
    fix !== null && fix.billed?.paymentIntentId === paymentIntentId && fix.refundedCents !== returnedCents;
  // Also where nothing moved: an answer from before, still on its way, must not be written over this one.
  return {
    kind: 'write',
    postings: settled?.postings ?? [],
    profile: { ...settled?.profile, openDisputes: openAfter(head.openDisputes, money.disputes) },
    writes: (next, at) => [
      ...(settled?.writes(next, at) ?? []),
      ...(isNew ? [noteRefund(head.customerId, fix, returnedCents)] : []),
      ...noticesOf(head, money, at),
    ],
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

function openAfter(before: readonly string[], disputes: ReturnedMoney['disputes']): readonly string[] {
  const told = new Set(disputes.map(({ id }) => id));
  const open = disputes.filter((dispute) => dispute.open).map(({ id }) => id);
  return [...before.filter((id) => !told.has(id)), ...open].sort();
}
