import type { PaymentDeps } from '../../runtime/deps.ts';
import type { EventSubject } from '../../stripe/event.ts';
import { finishCardSession } from '../cards/finish-card-session.ts';
import { settleFixPayment } from '../fixes/record-payment.ts';
import type { Receipt } from '../ledger/change-ledger.ts';
import { reviewReturn, tryReturn } from '../payments/return-double-payment.ts';
import { followOrder } from '../plans/finish-order.ts';
import { announceRenewal, finishRenewal, noneIfOpen } from '../plans/pay-renewal.ts';
import { type SettleOptions, settleInvoice } from '../plans/settle-invoice.ts';
import { syncAccount } from '../plans/sync-account.ts';
import { reverseReturnedMoney } from '../plans/take-back-credits.ts';
import { clearSubscriptionCards } from '../plans/use-default-card.ts';
import { cardOwnerOf, NotOurs, ownerOf, payerOf, Unappliable } from './owner.ts';

/** The effect of an event. `wrote`: the event was recorded in the transaction of its effect. */
export type Effect =
  | { readonly kind: 'applied'; readonly customerId: string; readonly wrote: boolean }
  | { readonly kind: 'ignored'; readonly reason: string };

const applied = (customerId: string, wrote: boolean): Effect => ({ kind: 'applied', customerId, wrote });

/** Makes the record of a customer's event for the transaction of its effect. */
type ReceiptFor = (customerId: string) => Receipt;

type Subject<K extends EventSubject['kind']> = Extract<EventSubject, { kind: K }>;

/**
 * Applies the effect of an event. Idempotent.
 * @throws Unappliable, AlreadyRecorded, StripeFault, BillingError as the operations that it calls
 */
export async function applyEffect(
  deps: PaymentDeps,
  subject: EventSubject,
  receiptFor: ReceiptFor,
): Promise<Effect> {
  try {
    return await applySubject(deps, subject, receiptFor);
  } catch (error) {
    if (error instanceof NotOurs) return { kind: 'ignored', reason: error.message };
    throw error;
  }
}

async function applySubject(
  deps: PaymentDeps,
  subject: EventSubject,
  receiptFor: ReceiptFor,
): Promise<Effect> {
  switch (subject.kind) {
    case 'account':
      return applyAccount(deps, subject, receiptFor);
    case 'customer_changed':
      return applyCustomerChange(deps, subject);
    case 'failed_invoice':
      return applyFailedInvoice(deps, subject, receiptFor);
    case 'detached_card':
      return applyDetachedCard(deps, subject, receiptFor);
    case 'card_session':
      return applyCardSession(deps, subject);
    case 'invoice':
      return applyInvoice(deps, subject, receiptFor);
    case 'payment':
      return applyPayment(deps, subject, receiptFor);
    case 'returned_money':
      return applyReturnedMoney(deps, subject, receiptFor);
    case 'unreadable':
      throw new Unappliable('its object has an unknown shape');
    case 'nothing':
      return { kind: 'ignored', reason: 'its type has no effect here' };
    default:
      return subject satisfies never;
  }
}

async function applyAccount(
  deps: PaymentDeps,
  { stripeCustomerId }: Subject<'account'>,
  receiptFor: ReceiptFor,
): Promise<Effect> {
  const customerId = await ownerOf(deps, stripeCustomerId);
  const receipt = receiptFor(customerId);
  const { wrote } = await syncAccount(deps, customerId, { of: stripeCustomerId, receipt });
  await followOrder(deps, customerId);
  return applied(customerId, wrote);
}

async function applyCustomerChange(
  deps: PaymentDeps,
  { stripeCustomerId, newCard }: Subject<'customer_changed'>,
): Promise<Effect> {
  const customerId = await ownerOf(deps, stripeCustomerId);
  const { account } = await syncAccount(deps, customerId, { of: stripeCustomerId });
  await clearSubscriptionCards(deps, account);
  const renewal = newCard ? await announceRenewal(deps, customerId, false) : null;
  // The payment is now open work, so the event counts as applied even if the payment fails.
  if (renewal !== null) await finishRenewal(deps, customerId, renewal).catch(noneIfOpen);
  // Recorded last, so a redelivery repeats every step until all are done.
  return applied(customerId, false);
}

async function applyFailedInvoice(
  deps: PaymentDeps,
  { stripeCustomerId, invoiceId, failedAt }: Subject<'failed_invoice'>,
  receiptFor: ReceiptFor,
): Promise<Effect> {
  const customerId = await ownerOf(deps, stripeCustomerId);
  const receipt = receiptFor(customerId);
  const renewal = await (await deps.stripe()).readFailedRenewal(invoiceId);
  const failedRenewal = renewal && { ...renewal, failedAt };
  const { wrote } = await syncAccount(deps, customerId, { of: stripeCustomerId, receipt, failedRenewal });
  await followOrder(deps, customerId);
  return applied(customerId, wrote);
}

async function applyDetachedCard(
  deps: PaymentDeps,
  { stripeCustomerId, paymentMethodId }: Subject<'detached_card'>,
  receiptFor: ReceiptFor,
): Promise<Effect> {
  const customerId =
    stripeCustomerId === null
      ? await cardOwnerOf(deps, paymentMethodId)
      : await ownerOf(deps, stripeCustomerId);
  const { wrote } = await syncAccount(deps, customerId, { receipt: receiptFor(customerId) });
  return applied(customerId, wrote);
}

/** Two events report one session, and the return page may have finished it before. */
async function applyCardSession(
  deps: PaymentDeps,
  { stripeCustomerId }: Subject<'card_session'>,
): Promise<Effect> {
  if (stripeCustomerId === null) throw new NotOurs('its session names no customer');
  const customerId = await ownerOf(deps, stripeCustomerId);
  await finishCardSession(deps, customerId);
  return applied(customerId, false);
}

/** Settles the invoice itself first: its credits cover the credits that earlier invoices lose to it. */
async function applyInvoice(
  deps: PaymentDeps,
  { invoiceId, stripeCustomerId }: Subject<'invoice'>,
  receiptFor: ReceiptFor,
): Promise<Effect> {
  // The owner is checked first, so that another product's invoice is never read.
  const customerId = await ownerOf(deps, stripeCustomerId);
  const reach = await (await deps.stripe()).readInvoiceReach(invoiceId);
  if (reach.stripeCustomerId !== stripeCustomerId) throw new Unappliable("its invoice is another customer's");
  const invoiceIds = [...(reach.isPaid ? [invoiceId] : []), ...reach.creditedInvoiceIds];
  // A paid period moves the end of the plan. Syncs it too, because no other event is certain to follow.
  const syncs = reach.isPaid ? stripeCustomerId : undefined;
  const [priceId] = reach.unknownPriceIds;
  if (priceId === undefined) {
    const effect = await settleInvoices(deps, customerId, invoiceIds, {
      receipt: receiptFor(customerId),
      syncs,
    });
    if (reach.isPaid) await followOrder(deps, customerId);
    return effect;
  }
  // The lines with known prices count. A person labels the price, then replays the event.
  await settleInvoices(deps, customerId, invoiceIds, { syncs });
  deps.report({ kind: 'paid_at_unknown_price', customerId, invoiceId, priceId });
  throw new Unappliable(
    `invoice ${invoiceId} was paid at price ${priceId}, which has no plan and credits in its metadata`,
  );
}

/** Each invoice is its own change, and the last change records the event. */
async function settleInvoices(
  deps: PaymentDeps,
  customerId: string,
  invoiceIds: readonly string[],
  last: SettleOptions,
): Promise<Effect> {
  let wrote = false;
  for (const [i, invoiceId] of invoiceIds.entries()) {
    const isLast = i === invoiceIds.length - 1;
    wrote = await settleInvoice(deps, customerId, invoiceId, isLast ? last : {});
  }
  return applied(customerId, wrote);
}

async function applyPayment(
  deps: PaymentDeps,
  { paymentIntentId }: Subject<'payment'>,
  receiptFor: ReceiptFor,
): Promise<Effect> {
  const payment = await (await deps.stripe()).readFixPayment(paymentIntentId);
  if (payment === null) return { kind: 'ignored', reason: 'a payment that is not for a fix' };
  const customerId = await payerOf(deps, payment);
  const { wrote } = await settleFixPayment(deps, payment, receiptFor(customerId));
  return applied(customerId, wrote);
}

async function applyReturnedMoney(
  deps: PaymentDeps,
  { chargeId }: Subject<'returned_money'>,
  receiptFor: ReceiptFor,
): Promise<Effect> {
  if (chargeId === null) throw new NotOurs('a refund without a charge');
  const stripe = await deps.stripe();
  const money = await stripe.readReturnedMoney(chargeId);
  if (money.stripeCustomerId === null) {
    const Unowned = money.paidFor.kind === 'fix' ? Unappliable : NotOurs;
    throw new Unowned('its charge names no customer');
  }
  const customerId = await ownerOf(deps, money.stripeCustomerId);
  if (money.paidFor.kind === 'fix' && money.paymentIntentId !== null) {
    // A payment that is not settled yet is settled before its return.
    const payment = await stripe.readFixPayment(money.paymentIntentId);
    if (payment?.state === 'succeeded' && (await payerOf(deps, payment)) === customerId) {
      await settleFixPayment(deps, payment);
    }
    await reviewReturn(deps, customerId, money.paymentIntentId);
  }
  await reverseReturnedMoney(deps, customerId, money, receiptFor(customerId));
  // Refunds come last: a refund that fails must not prevent the record of the event.
  if (money.paymentIntentId !== null) await tryReturn(deps, customerId, money.paymentIntentId);
  return applied(customerId, true);
}
