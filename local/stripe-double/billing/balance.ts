import type Stripe from 'stripe';
import { change, changeAndEmit, type Scope } from '../scope.ts';

/** Stripe's minimum charge; a smaller amount is added to the next invoice. */
export const MIN_CHARGE_CENTS = 50;

type Entry = Partial<
  Pick<Stripe.CustomerBalanceTransaction, 'credit_note' | 'currency' | 'description' | 'invoice' | 'metadata'>
>;

/** Adds an entry of `amount` cents to a customer's balance: negative is credit, positive is debt. */
export function postToBalance(
  scope: Scope,
  customer: Stripe.Customer,
  type: Stripe.CustomerBalanceTransaction.Type,
  amount: number,
  entry: Entry = {},
): Stripe.CustomerBalanceTransaction {
  const added = addEntry(scope, customer, type, amount, entry);
  const { ending_balance: balance, currency } = added;
  changeAndEmit(scope, 'customer.updated', customer, { balance, currency });
  return added;
}

/** Adds only the entry, which has no event. The caller changes the customer. */
export function addEntry(
  scope: Scope,
  customer: Stripe.Customer,
  type: Stripe.CustomerBalanceTransaction.Type,
  amount: number,
  entry: Entry = {},
): Stripe.CustomerBalanceTransaction {
  return scope.state.balanceEntries.add({
    id: scope.newId('cbtxn'),
    object: 'customer_balance_transaction',
    amount,
    checkout_session: null,
    created: scope.now,
    credit_note: null,
    customer: customer.id,
    customer_account: null,
    description: null,
    ending_balance: customer.balance + amount,
    invoice: null,
    livemode: false,
    metadata: {},
    type,
    ...entry,
    currency: entry.currency ?? customer.currency ?? 'usd',
  });
}

/**
 * Finalizing settles the balance: credit pays first, debt is added, and an amount below the minimum becomes
 * debt.
 */
export function applyBalance(scope: Scope, invoice: Stripe.Invoice, customer: Stripe.Customer): void {
  const starting = customer.balance;
  const wanted = invoice.total + starting;
  const tooSmall = wanted > 0 && wanted < MIN_CHARGE_CENTS;
  const due = tooSmall ? 0 : Math.max(wanted, 0);
  const ending = tooSmall ? wanted : Math.min(wanted, 0);
  change(invoice, {
    starting_balance: starting,
    ending_balance: ending,
    amount_due: due,
    amount_remaining: due,
  });
  const about = { invoice: invoice.id, currency: invoice.currency };
  const rest = Math.min(wanted, 0);
  if (rest !== starting) {
    const type = invoice.total < 0 ? 'invoice_too_small' : 'applied_to_invoice';
    postToBalance(scope, customer, type, rest - starting, about);
  }
  if (tooSmall) postToBalance(scope, customer, 'invoice_too_small', wanted, about);
}

/** Voiding an invoice returns the credit that it used, or the debt that it collected, to the balance. */
export function returnBalance(scope: Scope, invoice: Stripe.Invoice): void {
  const customer = scope.state.customers.find(String(invoice.customer));
  const used = invoice.starting_balance - (invoice.ending_balance ?? invoice.starting_balance);
  if (customer === undefined || used === 0) return;
  postToBalance(scope, customer, 'unapplied_from_invoice', used, {
    invoice: invoice.id,
    currency: invoice.currency,
  });
}
