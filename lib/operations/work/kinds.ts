import { openClosingOf } from '../../store/closing.ts';
import type { DueKind } from '../../store/due-work.ts';
import { decodeEvent } from '../../store/events.ts';
import { decodeFix } from '../../store/fix-attempts.ts';
import { decodeOrder, isOpenOrder } from '../../store/orders.ts';
import { decodeCardSession } from '../../store/payments/card-sessions.ts';
import { decodeDoublePayment } from '../../store/payments/double-payments.ts';
import { decodeRenewal } from '../../store/renewals.ts';

import { finishClosing } from '../accounts/close-customer.ts';

import { finishCardSession } from '../cards/finish-card-session.ts';
import { replayEvent } from '../events/replay-event.ts';
import { finishCharge } from '../fixes/charge-fix.ts';
import { returnDoublePayment } from '../payments/return-double-payment.ts';
import { finishOrderUnattended } from '../plans/finish-order.ts';
import { approvalEnds } from '../plans/order-on-session.ts';
import { finishRenewal } from '../plans/pay-renewal.ts';
import { kindOfWork, type OpenKind, type WorkKind } from './work-kind.ts';

const HOUR_MS = 60 * 60 * 1000;
/** The sweeper has run a dozen times by then. */
const LATE_MS = HOUR_MS;
/** Reported at any age. */
const AT_ONCE = 0;

/**
 * Every kind of open work, by its name in the index of due work: how to decode, describe and finish it. The
 * sweeper, the operators' functions, the CLI and the reconciliation use this table and no switch of their
 * own.
 */
export const WORK_KINDS: Readonly<Record<OpenKind, WorkKind>> = {
  fix: kindOfWork({
    due: 'charge',
    reportAfterMs: LATE_MS,
    decode(stored) {
      const fix = decodeFix(stored);
      return fix.charge?.state === 'charging' ? { fix, charge: fix.charge } : null;
    },
    describe: ({ fix, charge }) => ({
      id: fix.id,
      state: charge.state,
      attempt: charge.attempt,
      amountCents: charge.amountCents,
      paymentIntentId: charge.paymentIntentId,
      startedAt: charge.startedAt,
      message: `the charge of fix ${fix.id}, attempt ${charge.attempt}, has no outcome`,
    }),
    async finish(deps, { fix, charge }, { customerId }) {
      const { payment } = await finishCharge(deps, customerId, fix, charge);
      return payment?.state === 'processing' ? 'waiting' : 'finished';
    },
  }),
  order: kindOfWork({
    due: 'charge',
    reportAfterMs: LATE_MS,
    decode(stored) {
      const order = decodeOrder(stored);
      return isOpenOrder(order) ? order : null;
    },
    describe: ({ state, attempt, startedAt }) => ({
      state,
      attempt,
      startedAt,
      message:
        state === 'awaiting_approval'
          ? `the order for Pro, attempt ${attempt}, waits for the cardholder's approval`
          : `the order for Pro, attempt ${attempt}, has no outcome`,
    }),
    waitsUntil: ({ state, startedAt }) =>
      state === 'awaiting_approval' ? approvalEnds(startedAt).toISOString() : null,
    async finish(deps, order, { customerId }) {
      const approval = await finishOrderUnattended(deps, customerId, order);
      return approval === null ? 'finished' : 'waiting';
    },
  }),
  renewal: kindOfWork({
    due: 'charge',
    reportAfterMs: LATE_MS,
    decode(stored) {
      const renewal = decodeRenewal(stored);
      return renewal.state === 'paying' ? renewal : null;
    },
    describe: ({ invoiceId, state, attempt, amountCents, startedAt }) => ({
      id: invoiceId,
      state,
      attempt,
      amountCents,
      startedAt,
      message: `the payment of renewal ${invoiceId}, attempt ${attempt}, has no outcome`,
    }),
    async finish(deps, renewal, { customerId }) {
      await finishRenewal(deps, customerId, renewal);
      return 'finished';
    },
  }),
  double_payment: kindOfWork({
    due: 'charge',
    reportAfterMs: AT_ONCE,
    decode(stored) {
      const double = decodeDoublePayment(stored);
      return double.state === 'returned' ? null : double;
    },
    describe: ({ paymentIntentId, amountCents, fixAttemptId, state, attempt, startedAt }) => ({
      id: paymentIntentId,
      state: state === 'for_person' ? 'to be returned by hand' : 'to be returned',
      attempt,
      startedAt,
      amountCents,
      paymentIntentId,
      message: `payment ${paymentIntentId}, the second for fix ${fixAttemptId}, is not returned yet`,
    }),
    async finish(deps, { paymentIntentId }, { customerId }) {
      return returnDoublePayment(deps, customerId, paymentIntentId);
    },
  }),
  card_session: kindOfWork({
    due: 'charge',
    reportAfterMs: LATE_MS,
    decode(stored) {
      const session = decodeCardSession(stored);
      return session.state === 'completing' ? session : null;
    },
    describe: ({ sessionId, attempt, completedAt }) => ({
      id: sessionId,
      state: 'to be put on file',
      attempt,
      startedAt: completedAt,
      message: `the card of Checkout session ${sessionId} is not on file yet`,
    }),
    async finish(deps, _, { customerId }) {
      await finishCardSession(deps, customerId);
      return 'finished';
    },
  }),
  closing: kindOfWork({
    due: 'charge',
    reportAfterMs: LATE_MS,
    decode: openClosingOf,
    describe: ({ closedAt }) => ({
      state: 'to be cleared',
      startedAt: closedAt,
      message: 'the account is closed, but its data is not fully removed yet',
    }),
    async finish(deps, _, { customerId }) {
      await finishClosing(deps, customerId);
      return 'finished';
    },
  }),
  event: kindOfWork({
    due: 'parked',
    reportAfterMs: AT_ONCE,
    decode(stored) {
      const event = decodeEvent(stored);
      return event.outcome === 'parked' ? event : null;
    },
    describe: ({ customerId, eventId, type, reason, receivedAt }) => ({
      customerId,
      id: eventId,
      state: 'parked',
      startedAt: receivedAt,
      message: `event ${eventId} (${type}) is parked: ${reason}`,
    }),
    async finish(deps, { eventId }) {
      const { outcome } = await replayEvent(deps, eventId);
      return outcome === 'parked' ? 'waiting' : 'finished';
    },
  }),
};

/** The names of the index under which open work is listed. */
export const OPEN_WORK_INDEX: readonly DueKind[] = [
  ...new Set(Object.values(WORK_KINDS).map(({ due }) => due)),
];
