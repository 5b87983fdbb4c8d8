import type Stripe from 'stripe';
import { moveMoney, movementAt } from '../balance.ts';
import { invalid } from '../http/errors.ts';
import { OWN_BANK_ACCOUNT } from '../own-bank-account.ts';
import { change, changeAndEmit, emit, type Scope } from '../scope.ts';

const DAY_SECONDS = 24 * 60 * 60;
const ARRIVES_AFTER_DAYS = 2;

export const PAYOUT_FAILURES = [
  'account_closed',
  'could_not_process',
  'insufficient_funds',
  'invalid_account_number',
  'no_account',
] as const;

interface NewPayout {
  /** In cents. */
  readonly amount: number;
  readonly currency: string;
  /** Made by the account's schedule, not by hand. */
  readonly automatic: boolean;
  readonly description: string | null;
  readonly statementDescriptor: string | null;
  readonly metadata: Stripe.Metadata;
}

/** What can be paid out now, in cents. */
export const availableIn = ({ state, now }: Scope, currency: string): number =>
  state.balanceTransactions.newestFirst
    .filter((one) => one.currency === currency && movementAt(one, now).status === 'available')
    .reduce((sum, { net }) => sum + net, 0);

/** Sends money to the account's bank: in transit the next day, paid a day later. */
export function createPayout(scope: Scope, payout: NewPayout): Stripe.Payout {
  const { amount, currency, automatic } = payout;
  const id = scope.newId('po');
  const made: Stripe.Payout = scope.state.payouts.add({
    id,
    object: 'payout',
    amount,
    application_fee: null,
    application_fee_amount: null,
    arrival_date: scope.now + ARRIVES_AFTER_DAYS * DAY_SECONDS,
    automatic,
    balance_transaction: moveMoney(scope, 'payout', { source: id, currency, amount: -amount }).id,
    created: scope.now,
    currency,
    description: payout.description,
    destination: OWN_BANK_ACCOUNT.id,
    failure_balance_transaction: null,
    failure_code: null,
    failure_message: null,
    livemode: false,
    metadata: payout.metadata,
    method: 'standard',
    original_payout: null,
    payout_method: null,
    reconciliation_status: automatic ? 'in_progress' : 'not_applicable',
    reversed_by: null,
    source_type: 'card',
    statement_descriptor: payout.statementDescriptor,
    status: 'pending',
    trace_id: { status: 'pending', value: null },
    type: 'bank_account',
  });
  emit(scope, 'payout.created', made);
  scope.schedule.at(scope.now + DAY_SECONDS, `${id} is in transit`, (later) => send(later, made));
  scope.schedule.at(made.arrival_date, `${id} arrives`, (later) => arrive(later, made));
  return made;
}

/** Pays out everything available, as the account's schedule does. @throws Refusal if nothing is available. */
export function payOutAvailable(scope: Scope, currency: string): Stripe.Payout {
  const amount = availableIn(scope, currency);
  if (amount <= 0) throw invalid('The available balance is zero.', { code: 'balance_insufficient' });
  const { state, now } = scope;
  const paidOut = state.balanceTransactions.newestFirst.filter(
    (one) =>
      one.currency === currency &&
      movementAt(one, now).status === 'available' &&
      !state.paidOutBy.has(one.id),
  );
  const payout = createPayout(scope, {
    amount,
    currency,
    automatic: true,
    description: 'STRIPE PAYOUT',
    statementDescriptor: null,
    metadata: {},
  });
  for (const { id } of paidOut) state.paidOutBy.set(id, payout.id);
  state.paidOutBy.set(String(payout.balance_transaction), payout.id);
  return payout;
}

function send(scope: Scope, payout: Stripe.Payout): void {
  if (payout.status !== 'pending') return;
  changeAndEmit(scope, 'payout.updated', payout, { status: 'in_transit' });
  if (!payout.automatic) return;
  const previous = change(payout, { reconciliation_status: 'completed' });
  emit(scope, 'payout.reconciliation_completed', payout, previous ?? {});
}

function arrive(scope: Scope, payout: Stripe.Payout): void {
  if (payout.status !== 'in_transit') return;
  const trace: Stripe.Payout.TraceId = { status: 'supported', value: `trace ${payout.id}` };
  const previous = change(payout, { status: 'paid', trace_id: trace });
  emit(scope, 'payout.paid', payout, previous ?? {});
}

/** The bank returns the payout, possibly some days after it was paid. */
export function failPayout(
  scope: Scope,
  payout: Stripe.Payout,
  code: (typeof PAYOUT_FAILURES)[number],
): Stripe.Payout {
  if (['failed', 'canceled'].includes(payout.status)) throw invalid(`The payout is ${payout.status}.`);
  const previous = change(payout, {
    status: 'failed',
    failure_balance_transaction: comeBack(scope, payout, 'payout_failure'),
    failure_code: code,
    failure_message: `The bank returned the payout: ${code.replaceAll('_', ' ')}.`,
  });
  emit(scope, 'payout.failed', payout, previous ?? {});
  return payout;
}

export function cancelPayout(scope: Scope, payout: Stripe.Payout): Stripe.Payout {
  const previous = change(payout, {
    status: 'canceled',
    failure_balance_transaction: comeBack(scope, payout, 'payout_cancel'),
  });
  emit(scope, 'payout.canceled', payout, previous ?? {});
  return payout;
}

const comeBack = (
  scope: Scope,
  { id: source, amount, currency }: Stripe.Payout,
  type: Stripe.BalanceTransaction.Type,
): string => moveMoney(scope, 'payout_reversal', { source, currency, amount }, { type }).id;
