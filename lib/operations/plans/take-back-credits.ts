import type { CustomerHead } from '../../domain/customer.ts';
import type { FixAttempt } from '../../domain/fix-attempt.ts';
import type { InvoiceGuard } from '../../domain/grants.ts';
import { chargeRefunded, disputeClosed } from '../../domain/notices/money-notices.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { decodeFix, noteRefund } from '../../store/fix-attempts.ts';
import { type Key, keys } from '../../store/keys.ts';
import { putNotice } from '../../store/notices.ts';
import type { Write } from '../../store/table.ts';
import type { InvoiceValue, OpenDispute, ReturnedMoney } from '../../stripe/port.ts';
import { changeLedger, type LedgerDecision, type Receipt } from '../ledger/change-ledger.ts';
import { disputeLetters, disputesToAdd } from '../payments/open-disputes.ts';
import { type Collected, guardOf, reportCollected, settleInvoice, settlementDue } from './settle-invoice.ts';

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
  const { answer } = await changeLedger<Affected, Collected | null, Current>(deps, {
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
  reportCollected(deps, customerId, answer);
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
): LedgerDecision<Collected | null> {
  const { returnedCents, paymentIntentId } = money;
  const settled = value && settlementDue(head, value.invoice, value.returned, guard);
  const isNew =
    fix !== null && fix.billed?.paymentIntentId === paymentIntentId && fix.refundedCents !== returnedCents;
  const added = disputesToAdd(
    head,
    money.disputes.filter(({ open }) => open),
  );
  // Writes even if nothing changed, so that a concurrent call cannot write an older answer over this one.
  return {
    kind: 'write',
    postings: settled?.postings ?? [],
    profile: { ...settled?.profile, openDisputes: openAfter(head.openDisputes, money.disputes, added) },
    writes: (next, at) => [
      ...(settled?.writes(next, at) ?? []),
      ...(isNew ? [noteRefund(head.customerId, fix, returnedCents)] : []),
      ...(isNew ? refundLetter(head.customerId, fix, money, at) : []),
      ...disputeLetters(head.customerId, added, at),
      ...closedLetters(head, money, at),
    ],
    answer: () => settled?.collected ?? null,
  };
}

/** The head's open disputes afterwards: without those that are closed now, and with the added ones. */
function openAfter(
  before: readonly string[],
  disputes: ReturnedMoney['disputes'],
  added: readonly OpenDispute[],
): readonly string[] {
  const closed = new Set(disputes.filter(({ open }) => !open).map(({ id }) => id));
  return [...before.filter((id) => !closed.has(id)), ...added.map(({ id }) => id)].sort();
}

/** Another part of the charge was refunded. A dispute has letters of its own. */
function refundLetter(customerId: string, fix: FixAttempt, money: ReturnedMoney, at: Date): Write[] {
  const { paymentIntentId, returnedCents, refundedCents } = money;
  const amountCents = Math.min(returnedCents - (fix.refundedCents ?? 0), refundedCents);
  if (paymentIntentId === null || amountCents <= 0) return [];
  return [putNotice(chargeRefunded(customerId, fix, { paymentIntentId, amountCents, returnedCents }, at))];
}

/** A transaction has at most 100 writes. */
const MAX_CLOSED = 40;

/** Only disputes that the head has as open: they end once, however often an event reports that. */
const closedLetters = ({ customerId, openDisputes }: CustomerHead, money: ReturnedMoney, at: Date): Write[] =>
  money.disputes
    .flatMap(({ outcome, ...dispute }) =>
      outcome === null || !openDisputes.includes(dispute.id)
        ? []
        : [putNotice(disputeClosed(customerId, dispute, outcome, at))],
    )
    .slice(0, MAX_CLOSED);
