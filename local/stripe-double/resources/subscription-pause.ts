import type Stripe from 'stripe';
import * as z from 'zod/mini';
import { advance } from '../billing/collecting.ts';
import { voidInvoice } from '../billing/invoice-life.ts';
import { periodOf } from '../billing/periods.ts';
import { creditUnused } from '../billing/prorations.ts';
import { movedTo, renew } from '../billing/renewals.ts';
import { invoiceLast } from '../billing/subscription-invoices.ts';
import { pauseSubscription, resumeSubscription } from '../billing/subscription-status.ts';
import { invalid } from '../http/errors.ts';
import type { InputOf } from '../http/parameters.ts';
import { change, type Scope } from '../scope.ts';

const RESUMPTION_SECONDS = 23 * 60 * 60;

export const pauseParameters = {
  bill_for: z.optional(
    z.strictObject({
      unused_time_from: z.optional(
        z.strictObject({
          type: z.enum(
            ['item_current_period_start', 'none', 'now'],
            'parameter_invalid: must be item_current_period_start, none or now',
          ),
        }),
      ),
    }),
  ),
  invoicing_behavior: z.optional(
    z.enum(['invoice', 'pending_invoice_item'], 'parameter_invalid: must be invoice or pending_invoice_item'),
  ),
  type: z.optional(z.literal('subscription', 'parameter_invalid: must be subscription')),
};

/** Ends the period now and credits the rest of it, unless the caller declines the credit. */
export function pause(
  scope: Scope,
  { bill_for: bill, invoicing_behavior: invoicing }: InputOf<typeof pauseParameters>,
  subscription: Stripe.Subscription,
): Stripe.Subscription {
  if (subscription.status !== 'active')
    throw invalid(`A subscription that is ${subscription.status} cannot be paused.`);
  const from = bill?.unused_time_from?.type ?? 'now';
  const { start } = periodOf(subscription);
  if (from !== 'none') {
    const at = from === 'now' ? scope.now : start;
    for (const item of subscription.items.data) creditUnused(scope, subscription, item, at);
  }
  if (invoicing === 'invoice') invoiceLast(scope, subscription);
  pauseSubscription(scope, subscription, 'pause_requested', {
    items: movedTo(subscription.items, { start, end: scope.now }),
  });
  return subscription;
}

export const resumeParameters = {
  billing_cycle_anchor: z.optional(
    z.strictObject({
      type: z.enum(['now', 'unchanged'], 'parameter_invalid: must be now or unchanged'),
    }),
  ),
  payment_behavior: z.optional(
    z.enum(
      ['resume_on_payment_attempt', 'resume_on_payment_success'],
      'parameter_invalid: must be resume_on_payment_attempt or resume_on_payment_success',
    ),
  ),
};

/**
 * Bills a new period at once. The subscription becomes active with the attempt, or once the payment succeeds.
 */
export function resume(
  scope: Scope,
  { billing_cycle_anchor: anchor, payment_behavior: behavior }: InputOf<typeof resumeParameters>,
  subscription: Stripe.Subscription,
): Stripe.Subscription {
  if (subscription.status !== 'paused') throw invalid('Only a paused subscription can be resumed.');
  if (subscription.collection_method === 'send_invoice')
    throw invalid('Only a subscription that charges automatically can be resumed.');
  const waits = behavior === 'resume_on_payment_success';
  if (!waits) resumeSubscription(scope, subscription);
  if (anchor?.type !== 'unchanged') change(subscription, { billing_cycle_anchor: scope.now });
  const invoice = renew(scope, subscription, scope.state.switches.resume_billing_reason);
  if (waits) awaitPayment(scope, subscription, invoice);
  advance(scope, invoice);
  return subscription;
}

/** If the invoice is still open after a day, it is voided and the subscription stays paused. */
function awaitPayment(scope: Scope, subscription: Stripe.Subscription, invoice: Stripe.Invoice): void {
  scope.state.resumptions.set(invoice.id, subscription.id);
  scope.schedule.at(
    scope.now + RESUMPTION_SECONDS,
    `the resumption of ${subscription.id} expires`,
    (later) => {
      scope.state.resumptions.delete(invoice.id);
      if (subscription.status === 'paused' && invoice.status === 'open') voidInvoice(later, invoice);
    },
  );
}
