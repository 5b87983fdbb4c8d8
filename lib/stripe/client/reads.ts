import type Stripe from 'stripe';
import type { ListCalls } from '../port/lists.ts';
import type { MoneyCalls } from '../port/money.ts';
import type { PriceBook } from '../prices.ts';
import { findEventsOf } from '../readers/customer-events.ts';
import { listEvents, listFixPayments, listProInvoices } from '../readers/listings.ts';
import { readPaidMoney } from '../readers/paid-money.ts';
import { findOpenDisputes, isInvoiceReturned, readReturnedMoney } from '../readers/returned-money.ts';
import { startOf } from './since.ts';

export function moneyCalls(stripe: Stripe, prices: PriceBook): MoneyCalls {
  return {
    async findOpenDisputes(stripeCustomerId) {
      return findOpenDisputes(stripe, stripeCustomerId);
    },

    async readReturnedMoney(chargeId) {
      return readReturnedMoney(stripe, chargeId);
    },

    async isInvoiceReturned(invoice) {
      return isInvoiceReturned(stripe, invoice);
    },

    async readPaidMoney(stripeCustomerId) {
      return readPaidMoney(stripe, stripeCustomerId, prices);
    },
  };
}

export function listCalls(stripe: Stripe, prices: PriceBook): ListCalls {
  return {
    async readEvent(eventId) {
      return stripe.events.retrieve(eventId);
    },

    async listEvents(window) {
      return listEvents(stripe, window);
    },

    async findEventsOf(stripeCustomerId, since) {
      return findEventsOf(stripe, stripeCustomerId, startOf(since));
    },

    async listFixPayments(window) {
      return listFixPayments(stripe, window);
    },

    async listProInvoices(window) {
      return listProInvoices(stripe, window, prices);
    },
  };
}
