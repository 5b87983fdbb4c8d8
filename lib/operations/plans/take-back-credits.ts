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
 * Makes the ledger match what Stripe returned of a charge: takes back or restores an invoice's credits, marks
 * a fix as refunded, and blocks further charges while a dispute is open. Reads the total from Stripe, so
 * cause, number and order of events do not matter. Idempotent.
 * @param known the charge as it was read to find the customer
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
  // For a payment of several invoices, each is its own change, and the last change records the event.
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
  // Writes even if nothing changed, so that a concurrent call cannot write an older answer over this one.
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

/** For each newly opened dispute. */
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
