import type { FixAttempt, FixCharge } from '../../domain/fix-attempt.ts';
import { FIX_CREDITS } from '../../domain/pricing.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { decodeFix } from '../../store/fix-attempts.ts';
import { readHead } from '../../store/heads.ts';
import { keys } from '../../store/keys.ts';
import { readCardTries } from '../../store/payments/card-tries.ts';
import { readOne } from '../../store/table.ts';
import { isFault } from '../../stripe/fault.ts';
import type { Approval, StripePort } from '../../stripe/port.ts';
import { customerGone } from '../ledger/require-item.ts';
import { admission, notTried } from '../payments/card-tries.ts';
import { payerHolds } from '../payments/payer.ts';
import { askStripe } from '../payments/payment-problems.ts';
import { billFixAttempt } from './bill-fix-attempt.ts';
import { settleFixPayment } from './record-payment.ts';
import { reportCreditOrBlock } from './report-billing.ts';

/* The cardholder approves the payment for a fix, after their bank asked for it. */

/** A charge whose payment the cardholder can still approve. */
interface Awaited {
  readonly charge: FixCharge;
  readonly paymentIntentId: string;
}

const awaitedOf = (fix: FixAttempt | null): Awaited | null => {
  const charge = fix?.billed === null ? fix.charge : null;
  if (charge?.state !== 'action_required' || charge.paymentIntentId === null) return null;
  return { charge, paymentIntentId: charge.paymentIntentId };
};

const readFix = ({ table }: PaymentDeps, customerId: string, fixId: string): Promise<FixAttempt | null> =>
  readOne(table, keys.fix(customerId, fixId), decodeFix);

/**
 * `waiting`: the bank asks the cardholder. `settled`: nothing waits any more. `outdated`: the card, the
 * account or a dispute has changed, so this payment cannot be confirmed.
 */
export type FixApproval =
  | { readonly kind: 'waiting'; readonly approval: Approval }
  | { readonly kind: 'settled' | 'outdated' };

/**
 * Confirms the payment of a fix with the cardholder present. Makes no other payment: the attempt keeps its
 * payment and its reserved amount. If credits have come meanwhile, one of them bills the fix instead.
 * Idempotent.
 * @throws BillingError card_declined, payment_pending, payments_unavailable, payments_misconfigured,
 * ledger_busy, ledger_unavailable
 */
export async function approveFixPayment(
  deps: PaymentDeps,
  customerId: string,
  fixId: string,
  returnUrl: string,
): Promise<FixApproval> {
  const awaited = awaitedOf(await readFix(deps, customerId, fixId));
  if (awaited === null) return SETTLED;
  const { charge, paymentIntentId } = awaited;
  const { balance } = (await readHead(deps.table, customerId)) ?? customerGone();
  if (balance >= FIX_CREDITS) {
    reportCreditOrBlock(deps, customerId, fixId, await billFixAttempt(deps, customerId, fixId));
    return SETTLED;
  }
  if (!(await askStripe(() => payerHolds(deps, customerId, charge)))) return { kind: 'outdated' };
  if (charge.cardKey !== null) {
    const at = deps.now();
    const admitted = admission(await readCardTries(deps.table, customerId), charge.cardKey, at, true);
    if (admitted.kind === 'refused') throw notTried(admitted, at, balance);
  }
  const stripe = await deps.stripe();
  const approval = await askStripe(() =>
    confirmed(stripe, `approve:${customerId}:${fixId}:${charge.attempt}`, {
      paymentIntentId,
      paymentMethodId: charge.paymentMethodId,
      returnUrl,
    }),
  );
  if (approval.state === 'waiting') return { kind: 'waiting', approval };
  await settle(deps, paymentIntentId);
  return SETTLED;
}

const SETTLED = { kind: 'settled' } as const;

/** Stripe keeps a 500 answer under its idempotency key for a day. Then another key is needed. */
const MAX_KEYS = 3;

/**
 * Confirms a payment, unless that was done before: then returns what the bank asks or has answered. However
 * many keys it takes, Stripe confirms a payment only once.
 */
async function confirmed(
  stripe: StripePort,
  key: string,
  confirmation: Omit<Parameters<StripePort['confirmOnSession']>[0], 'idempotencyKey'>,
): Promise<Approval> {
  for (let n = 1; ; n++) {
    const now = await stripe.readApproval(confirmation.paymentIntentId);
    if (now.state !== 'unconfirmed') return now;
    try {
      return await stripe.confirmOnSession({ ...confirmation, idempotencyKey: `${key}:${n}` });
    } catch (error) {
      // Another call has just confirmed it.
      if (isFault(error, 'refused')) return stripe.readApproval(confirmation.paymentIntentId);
      if (!isFault(error, 'indeterminate') || !error.facts.replayed || n === MAX_KEYS) throw error;
    }
  }
}

/**
 * Stores the outcome of a payment that its cardholder was asked to approve. Reads the payment at Stripe, so
 * it may be called for any fix and at any time. Idempotent.
 * @throws BillingError payments_unavailable, payments_misconfigured, ledger_busy, ledger_unavailable
 */
export async function followFixPayment(deps: PaymentDeps, customerId: string, fixId: string): Promise<void> {
  const awaited = awaitedOf(await readFix(deps, customerId, fixId));
  if (awaited !== null) await settle(deps, awaited.paymentIntentId);
}

/** Settles the payment as Stripe has it, like an event about it. */
async function settle(deps: PaymentDeps, paymentIntentId: string): Promise<void> {
  const stripe = await deps.stripe();
  const payment = await askStripe(() => stripe.readFixPayment(paymentIntentId));
  if (payment !== null) await settleFixPayment(deps, payment);
}

/**
 * The payment of a fix that the cardholder can approve, as Stripe has it; null if nothing waits.
 * @throws BillingError payments_unavailable, payments_misconfigured, ledger_unavailable
 */
export async function readFixApproval(
  deps: PaymentDeps,
  customerId: string,
  fixId: string,
): Promise<Approval | null> {
  const awaited = awaitedOf(await readFix(deps, customerId, fixId));
  if (awaited === null) return null;
  const stripe = await deps.stripe();
  return askStripe(() => stripe.readApproval(awaited.paymentIntentId));
}
