import type { CustomerHead } from '../../domain/customer.ts';
import {
  type InvoiceGuard,
  NOTHING_RETURNED,
  type ProInvoice,
  type ReturnedValue,
  settleInvoice as settled,
} from '../../domain/grants.ts';
import type { Posting } from '../../domain/ledger.ts';
import { creditsRemoved } from '../../domain/notice.ts';
import { proPaid } from '../../domain/notices/plan-notices.ts';
import type { Deps, PaymentDeps } from '../../runtime/deps.ts';
import { decodeInvoiceGuard, keepInvoice } from '../../store/guards.ts';
import { keys } from '../../store/keys.ts';
import { putNotice } from '../../store/notices.ts';
import type { Item } from '../../store/table.ts';
import type { InvoiceValue, StripeAccount } from '../../stripe/port.ts';
import { changeLedger, type LedgerWrite, type Receipt } from '../ledger/change-ledger.ts';
import { accountWrites, profileOf } from './sync-account.ts';

export interface SettleOptions {
  /** The event that reported the invoice. */
  readonly receipt?: Receipt | undefined;
  /** The invoice's Stripe customer, to sync the account too: the payment may move the end of the plan. */
  readonly syncs?: string | undefined;
}

interface Current extends InvoiceValue {
  readonly account: StripeAccount | null;
}

/**
 * Makes the ledger match an invoice: grants each line once when the invoice is paid, and takes back or
 * restores the share that was returned. Reads the invoice from Stripe each time, so cause, number and order
 * of events do not matter. Idempotent. Returns whether this call wrote anything.
 * @throws StripeFault, AlreadyRecorded, BillingError customer_not_found, ledger_busy, ledger_unavailable
 */
export async function settleInvoice(
  deps: PaymentDeps,
  customerId: string,
  invoiceId: string,
  { receipt, syncs }: SettleOptions = {},
): Promise<boolean> {
  const { answer, wrote } = await changeLedger<InvoiceGuard | null, Collected | null, Current>(deps, {
    customerId,
    relatedKeys: [keys.once(customerId, 'invoice', invoiceId)],
    decodeRelated: ([item]) => guardOf(item),
    receipt,
    fetchCurrent: async ({ head, related: guard }) => {
      const stripe = await deps.stripe();
      const value = await stripe.readInvoiceValue(invoiceId, { hasBrought: guard !== null });
      const isTheirs = syncs !== undefined && syncs === head.stripeCustomerId;
      return { ...value, account: isTheirs ? await stripe.readAccount(syncs) : null };
    },
    decide: ({ head, related: guard }, current) => {
      const due = current && settlementDue(head, current.invoice, current.returned, guard);
      const profile = current?.account
        ? { ...profileOf(head, current.account), ...freePeriod(head, current.invoice) }
        : null;
      if (!due && profile === null) return { kind: 'done', answer: null };
      return {
        kind: 'write',
        ...(due && { postings: due.postings }),
        ...((profile || due?.profile) && { profile: { ...profile, ...due?.profile } }),
        writes: (next, at) => [
          ...(profile ? accountWrites(head, profile, current?.account ?? null, at) : []),
          ...(due?.writes(next, at) ?? []),
        ],
        answer: () => due?.collected ?? null,
      };
    },
  });
  reportCollected(deps, customerId, answer);
  return wrote;
}

/** A later end stays, so the order of events does not matter. */
const freePeriod = (head: CustomerHead, { paid, freeUntil }: ProInvoice): { freeUntil?: string } =>
  paid && freeUntil !== null && freeUntil > (head.freeUntil ?? '') ? { freeUntil } : {};

export const guardOf = (item: Item | undefined): InvoiceGuard | null =>
  item === undefined ? null : decodeInvoiceGuard(item);

type Due = Pick<LedgerWrite<never>, 'profile' | 'writes'> & {
  readonly postings: readonly Posting[];
  /** The money of the invoice. Null except in the one change that first stores its guard. */
  readonly collected: Collected | null;
};

/** The money of an invoice that grants credits. */
export interface Collected {
  readonly invoiceId: string;
  readonly isFirst: boolean;
  readonly paidCents: number;
}

/** Reports the money of an invoice. Its guard is stored once, so its cents count once. */
export function reportCollected({ report }: Deps, customerId: string, collected: Collected | null): void {
  if (collected !== null) report({ kind: 'invoice_collected', customerId, ...collected });
}

/** What settling an invoice writes; null if the ledger already matches it. Pure. */
export function settlementDue(
  head: CustomerHead,
  invoice: ProInvoice,
  returned: ReturnedValue,
  guard: InvoiceGuard | null,
): Due | null {
  const change = settled(head, invoice, returned, guard);
  if (change === null) return null;
  const { postings, debt, kept, removed } = change;
  const { id: invoiceId, isFirst, paidCents } = invoice;
  const granted = kept.credits - kept.reversedCredits;
  const cause = { invoiceId, removed, returnedCents: kept.reversedCents, reasons: returned.reasons };
  return {
    postings,
    collected: guard === null ? { invoiceId, isFirst, paidCents } : null,
    ...(debt !== head.debt && { profile: { debt } }),
    writes: (next, at) => {
      // Credits granted and taken back in one change were never visible, so they need no notice.
      const notice =
        guard === null
          ? proPaid(head, next, { ...invoice, credits: granted }, at)
          : creditsRemoved(head, next, cause, at);
      return [keepInvoice(head.customerId, kept, guard), ...(notice === null ? [] : [putNotice(notice)])];
    },
  };
}

/**
 * What the first grant of a just-paid invoice writes; null if its credits were granted before, or it grants
 * none. Returned money is left to its own events.
 */
export const grantDue = (head: CustomerHead, invoice: ProInvoice, guard: InvoiceGuard | null): Due | null =>
  guard === null ? settlementDue(head, invoice, NOTHING_RETURNED, null) : null;
