import type Stripe from 'stripe';
import { defaultPaymentOf, paymentsOf } from './billing/invoice-payments.ts';
import type { Includable } from './http/expand.ts';
import { sourcesOf } from './resources/source-life.ts';
import type { State } from './state.ts';

/** Fields that an object has only on request. */
export const includable: Includable = (state, object, field) => {
  const { id } = object;
  if (typeof id !== 'string') return undefined;
  switch (`${String(object['object'])}.${field}`) {
    case 'invoice.payments':
      return listOf(paymentsOf({ state }, id), `/v1/invoice_payments?invoice=${id}`);
    case 'invoice.confirmation_secret':
      return confirmationSecret(state, id);
    case 'invoice.amount_paid_off_stripe':
      return state.paidOffStripe.get(id) ?? 0;
    case 'customer.subscriptions':
      return listOf(
        state.subscriptions.newestFirst.filter((one) => one.customer === id && one.ended_at === null),
        `/v1/subscriptions?customer=${id}`,
      );
    case 'charge.refunds':
      return listOf(
        state.refunds.newestFirst.filter((refund) => refund.charge === id),
        `/v1/refunds?charge=${id}`,
      );
    case 'customer.sources':
      return listOf(sourcesOf({ state }, id), `/v1/customers/${id}/sources`);
    case 'customer.tax_ids':
      return listOf([], `/v1/customers/${id}/tax_ids`);
    case 'price.currency_options':
      return currencyOptions(state.prices.find(id));
    default:
      return undefined;
  }
};

/** A price has its own currency as an option; the stand-in supports no other. */
function currencyOptions(price: Stripe.Price | undefined): unknown {
  if (price === undefined) return undefined;
  const { currency, custom_unit_amount, tax_behavior, unit_amount, unit_amount_decimal } = price;
  return { [currency]: { custom_unit_amount, tax_behavior, unit_amount, unit_amount_decimal } };
}

function confirmationSecret(state: State, invoiceId: string): unknown {
  const payment = defaultPaymentOf({ state }, invoiceId);
  const intentId = payment?.payment.payment_intent;
  const intent = typeof intentId === 'string' ? state.paymentIntents.find(intentId) : undefined;
  return intent === undefined ? null : { client_secret: intent.client_secret, type: 'payment_intent' };
}

const listOf = <T>(data: readonly T[], url: string) => ({ object: 'list', data, has_more: false, url });
