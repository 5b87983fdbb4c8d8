import * as z from 'zod/mini';
import { spentBy } from '../../domain/payments/spending.ts';
import { CONDITIONS } from '../conditions.ts';
import { dueAt, NOT_DUE } from '../due-work.ts';
import { keys } from '../keys.ts';
import { attemptNumber, count, orNull, record, text } from '../record.ts';
import { type Item, readOne, type Table, type Write } from '../table.ts';
import { put, update } from '../write.ts';

const RETURN_STATES = ['returning', 'returned', 'for_person'] as const;
export type ReturnState = (typeof RETURN_STATES)[number];

const Stored = z.object({
  fixAttemptId: text,
  paymentIntentId: text,
  amountCents: count,
  /** Our newest refund. */
  refundId: orNull(text),
  attempt: z._default(attemptNumber, 1),
  refundCents: orNull(count),
  startedAt: orNull(text),
  /** The month (UTC) in which the payment counts as spent. Null in an item of an earlier release. */
  spendingMonth: orNull(text),
  /** Null in an item of an earlier release: `returned` if it has a refund, else `returning`. */
  state: orNull(z.enum(RETURN_STATES)),
});

/**
 * A second payment for a fix that was already paid. It is returned. `returning` and `for_person` are open
 * work. `returned` reopens if a refund fails at Stripe or a dispute is won.
 */
export type DoublePayment = Omit<z.output<typeof Stored>, 'state'> & { readonly state: ReturnState };

const doublePayments = record<z.output<typeof Stored>>(Stored);

export function decodeDoublePayment(item: Item): DoublePayment {
  const double = doublePayments.decode(item);
  return { ...double, state: double.state ?? (double.refundId === null ? 'returning' : 'returned') };
}

export const encodeDoublePayment = (customerId: string, double: DoublePayment): Item => ({
  ...keys.once(customerId, 'double_payment', double.paymentIntentId),
  ...doublePayments.encode(double),
});

/** What a second payment adds to the month: its amount, until it is returned. */
export const spentByDouble = ({ state, amountCents }: Pick<DoublePayment, 'state' | 'amountCents'>) =>
  spentBy(state === 'returned' ? 0 : amountCents);

/** Null if the payment is not a double payment. */
export const readDoublePayment = (
  table: Table,
  customerId: string,
  paymentIntentId: string,
): Promise<DoublePayment | null> =>
  readOne(table, keys.once(customerId, 'double_payment', paymentIntentId), decodeDoublePayment);

/** Announces the return of a payment with a full refund. Due until it is returned. */
export function announceReturn(
  customerId: string,
  payment: Pick<DoublePayment, 'fixAttemptId' | 'paymentIntentId' | 'amountCents' | 'spendingMonth'>,
  at: Date,
): Extract<Write, { Put: unknown }> {
  const { amountCents } = payment;
  const startedAt = at.toISOString();
  const first = {
    refundId: null,
    attempt: 1,
    refundCents: amountCents,
    startedAt,
    state: 'returning',
  } as const;
  const item = encodeDoublePayment(customerId, { ...payment, ...first });
  return put({ ...item, ...dueAt('charge', at) }, CONDITIONS.GUARD_IS_NEW);
}

/** Updates a return that has not changed since it was read. */
export function moveReturn(
  customerId: string,
  before: DoublePayment,
  change: Partial<Pick<DoublePayment, 'refundId' | 'attempt' | 'refundCents' | 'startedAt' | 'state'>>,
  at: Date,
): Extract<Write, { Update: unknown }> {
  const { state, ...rest } = { state: before.state, ...change };
  const isOpen = state !== 'returned';
  return update(
    keys.once(customerId, 'double_payment', before.paymentIntentId),
    {
      set: { ...doublePayments.encodePart({ ...rest, state }), ...(isOpen && dueAt('charge', at)) },
      ...(!isOpen && { remove: NOT_DUE }),
    },
    CONDITIONS.RETURN_UNMOVED,
    { attempt: before.attempt, state: before.state },
  );
}
