import type { CustomerHead } from '../../domain/customer.ts';
import { formatUsd } from '../../domain/pricing.ts';
import { BillingError } from '../../errors.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { readHead } from '../../store/heads.ts';
import { customerGone } from '../ledger/require-item.ts';
import { askStripe, cardDeclined } from '../payments/payment-problems.ts';
import { isPayable, payRenewal, type RenewalOutcome } from './pay-renewal.ts';

/** The outcome for a person who asked to pay a renewal: paid, or why not. */
export interface PaidInPerson {
  /** Why nothing was paid; null if it was paid. */
  readonly problem: string | null;
  /** Stripe's page of the open invoice, where another card or an approval can pay it. */
  readonly invoiceUrl: string | null;
}

/** Whether the newest renewal failed, so that it may be open at Stripe. */
export const hasOpenRenewal = ({ subscription }: Pick<CustomerHead, 'subscription'>): boolean =>
  isPayable(subscription);

/**
 * What paying the newest open renewal costs now, in US cents. Null if none is open. Asks Stripe only about a
 * customer whose renewal failed.
 * @throws BillingError payments_unavailable, payments_misconfigured
 */
export async function openRenewalCents(
  deps: PaymentDeps,
  { subscription }: Pick<CustomerHead, 'subscription'>,
): Promise<number | null> {
  if (!isPayable(subscription)) return null;
  const stripe = await deps.stripe();
  return (await askStripe(() => stripe.findOpenRenewal(subscription.id, true)))?.amountCents ?? null;
}

/**
 * Pays the newest open renewal with the card on file, because a person asked for it. If that fails, names
 * Stripe's page of the invoice. Idempotent.
 * @param mostCents what the person agreed to; if the renewal costs more, nothing is paid
 * @throws BillingError payment_pending, payments_unavailable, payments_misconfigured, ledger_busy,
 * ledger_unavailable
 */
export async function payRenewalInPerson(
  deps: PaymentDeps,
  customerId: string,
  mostCents: number,
): Promise<PaidInPerson> {
  const head = (await readHead(deps.table, customerId)) ?? customerGone();
  const cents = await openRenewalCents(deps, head);
  if (cents !== null && cents > mostCents) {
    const problem = `The renewal costs ${formatUsd(cents)} now. Nothing was charged.`;
    return { problem, invoiceUrl: await invoicePage(deps, customerId) };
  }
  const problem = await tryRenewal(deps, customerId, mostCents);
  return { problem, invoiceUrl: problem === null ? null : await invoicePage(deps, customerId) };
}

async function tryRenewal(deps: PaymentDeps, customerId: string, mostCents: number): Promise<string | null> {
  try {
    return problemOf(await payRenewal(deps, customerId, true, mostCents));
  } catch (error) {
    // The budget of the card allows no try now.
    if (error instanceof BillingError && error.code === 'card_declined') return error.message;
    throw error;
  }
}

function problemOf(outcome: RenewalOutcome): string | null {
  switch (outcome.kind) {
    case 'paid':
      return null;
    case 'declined':
      return cardDeclined(outcome.decline, 'Nothing was charged.').message;
    case 'needs_approval':
      return "Your bank asks you to approve this payment. You can do that on Stripe's page of the invoice.";
    case 'none':
      return 'Nothing was charged: no renewal is due, your card has just changed, or a payment is disputed.';
    default:
      return outcome satisfies never;
  }
}

async function invoicePage(deps: PaymentDeps, customerId: string): Promise<string | null> {
  const { subscription, stripeCustomerId } = (await readHead(deps.table, customerId)) ?? customerGone();
  if (subscription === null || stripeCustomerId === null) return null;
  const stripe = await deps.stripe();
  const open = await askStripe(() => stripe.findOpenRenewal(subscription.id, true));
  return open === null ? null : askStripe(() => stripe.readInvoicePage(open.invoiceId, stripeCustomerId));
}
