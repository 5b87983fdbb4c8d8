import { keys } from '../../../lib/store/keys.ts';
import type { Double } from '../../../local/stripe-double/double.ts';
import { forPeople } from './for-people.ts';
import { fieldOf, type Stored } from './stored.ts';
import { addTo } from './sums.ts';
import { wrongInvoices } from './value.ts';

type State = Double['state'];
type PaymentIntent = ReturnType<State['paymentIntents']['known']>;

/* Compares payments and returned money at Stripe with the ledger. */

export function wrongMoney(state: State, stored: Stored): string[] {
  const returned = new Returned(state);
  const payments = state.paymentIntents.newestFirst.filter(({ metadata }) => metadata['purpose'] === 'fix');
  return [
    ...repeated(payments.map(attemptOf)).map((attempt) => `attempt ${attempt} made a second payment`),
    ...payments.flatMap((payment) => wrongPayment(state, stored, payment, returned)),
    ...payments.flatMap((payment) => wrongCard(stored, payment)),
    ...fixesPaidTwice(state, payments, returned),
    ...wrongInvoices(state, stored),
    ...wrongSubscriptions(state, stored),
  ];
}

/** The returned money of each charge. */
class Returned {
  readonly #refunded = new Map<string, number>();
  readonly #disputed = new Map<string, number>();

  constructor({ refunds, disputes }: State) {
    for (const { status, charge, amount } of refunds.newestFirst) {
      if (status !== 'failed' && status !== 'canceled') addTo(this.#refunded, String(charge), amount);
    }
    for (const { charge, balance_transactions: moved } of disputes.newestFirst) {
      for (const { amount } of moved) addTo(this.#disputed, String(charge), -amount);
    }
  }

  refundedOf(chargeId: string): number {
    return this.#refunded.get(chargeId) ?? 0;
  }

  of({ id, amount }: { readonly id: string; readonly amount: number }): number {
    return Math.min(amount, this.refundedOf(id) + (this.#disputed.get(id) ?? 0));
  }
}

const fixOf = ({ metadata }: PaymentIntent): string =>
  `${metadata['customer_id']} ${metadata['fix_attempt_id']}`;
const attemptOf = (payment: PaymentIntent): string => `${fixOf(payment)} ${payment.metadata['attempt']}`;

const chargesOf = ({ charges }: State, paymentIntentId: unknown) =>
  charges.newestFirst.filter(({ paid, payment_intent: of }) => paid && of === paymentIntentId);

/**
 * A succeeded payment must have billed its fix or be marked for return. The fix must store how much of the
 * payment was returned.
 */
function wrongPayment(
  state: State,
  stored: Stored,
  { id, status, metadata }: PaymentIntent,
  returned: Returned,
): string[] {
  if (status !== 'succeeded') return [];
  const customerId = String(metadata['customer_id']);
  const fix = stored.find(keys.fix(customerId, String(metadata['fix_attempt_id'])));
  const isDouble = stored.find(keys.once(customerId, 'double_payment', id)) !== undefined;
  const hasBilled = fieldOf(fix, 'billed', 'payment_intent_id') === id;
  if (hasBilled && isDouble) return [`payment ${id} billed its fix and is marked for return`];
  if (!hasBilled) {
    return isDouble ? [] : [`payment ${id} billed nothing and is not marked for return`];
  }
  const back = chargesOf(state, id).reduce((sum, charge) => sum + returned.of(charge), 0);
  const noted = Number(fix?.['refunded_cents'] ?? 0);
  return noted === back ? [] : [`payment ${id}: ${back} cents were returned, its fix has ${noted}`];
}

/** An attempt must use the card that it was announced with, also in a retry. */
function wrongCard(
  stored: Stored,
  { id, metadata, payment_method: method, last_payment_error: error }: PaymentIntent,
): string[] {
  const fix = stored.find(keys.fix(String(metadata['customer_id']), String(metadata['fix_attempt_id'])));
  const used = method ?? error?.payment_method?.id ?? null;
  if (used === null || String(fieldOf(fix, 'charge', 'attempt')) !== metadata['attempt']) return [];
  const announced = fieldOf(fix, 'charge', 'payment_method_id');
  return used === announced ? [] : [`payment ${id} used ${used} but was announced with ${announced}`];
}

function fixesPaidTwice(state: State, payments: readonly PaymentIntent[], returned: Returned): string[] {
  const left = forPeople(state);
  const kept = payments.filter(({ id, status }) => {
    const isKept = chargesOf(state, id).some((charge) => returned.of(charge) < charge.amount);
    return status === 'succeeded' && isKept && !left.has(id);
  });
  return repeated(kept.map(fixOf)).map((fix) => `fix ${fix} is paid twice`);
}

const OVER: ReadonlySet<string> = new Set(['canceled', 'incomplete_expired']);

/** An order makes at most one subscription. A customer has at most one, and a closed account has none. */
function wrongSubscriptions({ subscriptions }: State, { heads }: Stored): string[] {
  // Only subscriptions ordered by the service. People make others by hand.
  const all = subscriptions.newestFirst.filter(({ metadata }) => metadata['purpose'] === 'pro');
  const orders = all.map(({ metadata }) => `${metadata['customer_id']} ${metadata['attempt']}`);
  const live = all.filter(({ status }) => !OVER.has(status)).map(({ customer }) => String(customer));
  return [
    ...repeated(orders).map((order) => `order ${order} made a second subscription`),
    ...repeated(live).map((customer) => `${customer} has two subscriptions`),
    ...heads
      .filter((head) => head['closed_at'] && live.includes(String(head['stripe_customer_id'])))
      .map(({ pk }) => `${pk} is closed and still subscribed`),
  ];
}

function repeated(names: readonly string[]): string[] {
  const seen = new Set<string>();
  return names.filter((name) => seen.has(name) || !seen.add(name));
}
