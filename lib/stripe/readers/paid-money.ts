import type Stripe from 'stripe';
import type { ProInvoice } from '../../domain/grants.ts';
import { PAGE } from '../paging.ts';
import type { Paid, PaidFix, PaidMoney } from '../port.ts';
import type { PriceBook } from '../prices.ts';
import { paidProOf } from './invoices.ts';
import { chargeOf, paidFixOf, WITH_CHARGE } from './payments.ts';

/* Every payment of a customer, for an audit. */

export async function readPaidMoney(stripe: Stripe, customer: string, prices: PriceBook): Promise<PaidMoney> {
  const fixPayments: Paid<PaidFix>[] = [];
  const disputedChargeIds: string[] = [];
  for await (const intent of stripe.paymentIntents.list({ customer, expand: WITH_CHARGE, limit: PAGE })) {
    const payment = paidFixOf(intent);
    if (payment !== null) fixPayments.push({ ...payment, paidAt: dateOf(chargedAt(intent)) });
    const charge = chargeOf(intent);
    if (charge?.disputed) disputedChargeIds.push(charge.id);
  }
  const proInvoices: Paid<ProInvoice>[] = [];
  for await (const invoice of stripe.invoices.list({ customer, status: 'paid', limit: PAGE })) {
    const pro = await paidProOf(stripe, invoice, prices);
    const paidAt = dateOf(invoice.status_transitions.paid_at ?? invoice.created);
    if (pro !== null) proInvoices.push({ ...pro, paidAt });
  }
  return { fixPayments, proInvoices, disputedChargeIds };
}

const chargedAt = (intent: Stripe.PaymentIntent): number => chargeOf(intent)?.created ?? intent.created;

const dateOf = (seconds: number): Date => new Date(seconds * 1000);
