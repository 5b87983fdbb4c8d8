import { doublePaymentReturned } from '../../domain/notices/money-notices.ts';
import { decideReturn, type ReturnStep } from '../../domain/payments/payment-return.ts';
import { changeBetween, exceedsLimit } from '../../domain/payments/spending.ts';
import { formatUsd } from '../../domain/pricing.ts';
import { BillingError } from '../../errors.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { decodeHead } from '../../store/heads.ts';
import { keys } from '../../store/keys.ts';
import { putNotice } from '../../store/notices.ts';
import {
  type DoublePayment,
  moveReturn,
  readDoublePayment,
  spentByDouble,
} from '../../store/payments/double-payments.ts';
import { decodeSpending, moveSpending } from '../../store/payments/spending.ts';
import { readTogether, writeTogether } from '../../store/table.ts';
import { StripeFault } from '../../stripe/fault.ts';
import { retryContended } from '../ledger/retry-contended.ts';
import { finishAttempt } from './attempt.ts';

/** Each step announces a refund, sends it, or finds that it failed. */
const MAX_STEPS = 8;

/** A second payment that our refunds did not return. */
export class ReturnNeedsPerson extends Error {
  readonly paymentIntentId: string;

  constructor(paymentIntentId: string, restCents: number) {
    super(`The refunds of payment ${paymentIntentId} failed. Return ${formatUsd(restCents)} by hand.`);
    this.name = 'ReturnNeedsPerson';
    this.paymentIntentId = paymentIntentId;
  }
}

/**
 * Refunds the rest of a payment that was announced for return. Retries a failed refund, and stores when all
 * of the payment has been returned. Idempotent, also concurrently.
 * @returns `waiting` while a refund is pending or a dispute is open
 * @throws ReturnNeedsPerson, StripeFault, BillingError payment_pending, ledger_unavailable, ledger_busy
 */
export async function returnDoublePayment(
  deps: PaymentDeps,
  customerId: string,
  paymentIntentId: string,
): Promise<'finished' | 'waiting'> {
  for (let steps = 0; steps < MAX_STEPS; steps++) {
    const double = await readDoublePayment(deps.table, customerId, paymentIntentId);
    if (double === null || double.state === 'returned') return 'finished';
    const step = await nextStep(deps, double);
    const done = await takeStep(deps, customerId, double, step);
    if (done !== null) return done;
  }
  throw new Error(`The return of payment ${paymentIntentId} was not finished in ${MAX_STEPS} steps`);
}

/**
 * Reopens a return if less was returned than recorded: a refund failed later, or a dispute that had returned
 * the money was won. The payment then counts in its month again. Above the limit, that is reported. Does not
 * refund. Idempotent.
 * @throws StripeFault, BillingError ledger_busy, ledger_unavailable
 */
export async function reviewReturn(
  deps: PaymentDeps,
  customerId: string,
  paymentIntentId: string,
): Promise<void> {
  const double = await readDoublePayment(deps.table, customerId, paymentIntentId);
  if (double === null || double.state !== 'returned') return;
  const step = await nextStep(deps, double);
  if (step.kind === 'returned') return;
  // Reported before the write: a crash after the write would lose the alarm, because a repeat finds nothing
  // to reopen. A crash between them only reports twice.
  if (await willExceedLimit(deps, customerId, double)) {
    const { fixAttemptId, amountCents } = double;
    deps.report({ kind: 'paid_above_limit', customerId, fixAttemptId, paymentIntentId, amountCents });
  }
  await move(deps, customerId, double, { state: 'returning' });
}

/** Whether the month of a returned payment exceeds the customer's limit if the payment counts again. */
async function willExceedLimit(
  { table }: PaymentDeps,
  customerId: string,
  { spendingMonth: month, amountCents }: DoublePayment,
): Promise<boolean> {
  if (month === null) return false;
  const [head, spent] = await readTogether(table, [keys.head(customerId), keys.spending(customerId, month)]);
  const limitCents = head === undefined ? null : decodeHead(head).spendingLimitCents;
  return exceedsLimit(limitCents, decodeSpending(spent, month), amountCents);
}

/**
 * As `returnDoublePayment`, after the write that caused the return. If it fails, the return stays open work
 * and the caller continues.
 */
export async function tryReturn(
  deps: PaymentDeps,
  customerId: string,
  paymentIntentId: string,
): Promise<void> {
  try {
    await returnDoublePayment(deps, customerId, paymentIntentId);
  } catch (error) {
    const isLeftOpen =
      error instanceof StripeFault || error instanceof BillingError || error instanceof ReturnNeedsPerson;
    if (!isLeftOpen) throw error;
  }
}

async function nextStep(deps: PaymentDeps, double: DoublePayment): Promise<ReturnStep> {
  const stripe = await deps.stripe();
  return decideReturn(double, await stripe.readReturn(double.paymentIntentId));
}

/** Null if the next step can be taken. */
async function takeStep(
  deps: PaymentDeps,
  customerId: string,
  double: DoublePayment,
  step: ReturnStep,
): Promise<'finished' | 'waiting' | null> {
  switch (step.kind) {
    case 'returned':
      if (await move(deps, customerId, double, { state: 'returned' }))
        reportReturned(deps, customerId, double);
      return 'finished';
    case 'wait':
      return 'waiting';
    case 'announce': {
      const { attempt, refundCents } = step;
      const startedAt = deps.now().toISOString();
      await move(deps, customerId, double, { attempt, refundCents, startedAt, state: 'returning' });
      return null;
    }
    case 'send':
      await sendRefund(deps, customerId, double);
      return null;
    case 'for_person':
      if (double.state !== 'for_person') await move(deps, customerId, double, { state: 'for_person' });
      throw new ReturnNeedsPerson(double.paymentIntentId, step.restCents);
    default:
      return step satisfies never;
  }
}

async function sendRefund(deps: PaymentDeps, customerId: string, double: DoublePayment): Promise<void> {
  const { paymentIntentId, attempt, amountCents, refundCents, startedAt } = double;
  const order = { paymentIntentId, attempt, amountCents: refundCents ?? amountCents };
  await finishAttempt<string, void>(deps, {
    startedAt: startedAt ?? deps.now().toISOString(),
    // The rest was computed just before.
    holds: async () => true,
    ask: (stripe) => stripe.refundPayment(order),
    find: async (stripe) => {
      const { refunds } = await stripe.readReturn(paymentIntentId);
      return refunds.find((refund) => refund.attempt === attempt)?.id ?? null;
    },
    end: async (_, refundId) => refundId,
    settle: async (refundId) => {
      await move(deps, customerId, double, { refundId });
    },
    // Without a fault, Stripe has forgotten the key, so the same refund gets a new key.
    close: async (fault) => {
      if (fault !== null) return;
      const next = { attempt: attempt + 1, startedAt: deps.now().toISOString() };
      await move(deps, customerId, double, next);
    },
    closed: async (fault) => {
      if (fault !== null) throw fault;
    },
  });
}

/** Whether this call changed the return. If another call did, the next read finds that change. */
async function move(
  deps: PaymentDeps,
  customerId: string,
  before: DoublePayment,
  change: Parameters<typeof moveReturn>[2],
): Promise<boolean> {
  const spent = changeBetween(spentByDouble(before), spentByDouble({ ...before, ...change }));
  const writes = [
    moveReturn(customerId, before, change, deps.now()),
    // A returned payment leaves its amount to the month's limit again.
    ...moveSpending(customerId, before.spendingMonth, spent),
    ...(change.state === 'returned'
      ? [putNotice(doublePaymentReturned(customerId, before, deps.now()))]
      : []),
  ];
  const result = await retryContended(deps, () => writeTogether(deps.table, writes));
  return result.kind === 'written';
}

function reportReturned(deps: PaymentDeps, customerId: string, double: DoublePayment): void {
  const { fixAttemptId, paymentIntentId, amountCents } = double;
  deps.report({ kind: 'double_payment_returned', customerId, fixAttemptId, paymentIntentId, amountCents });
}
