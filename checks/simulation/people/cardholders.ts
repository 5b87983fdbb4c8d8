import { escalateInquiry } from '../../../local/stripe-double/resources/dispute-escalate.ts';
import {
  appealDispute,
  closeDispute,
  isClosed,
  isInquiry,
} from '../../../local/stripe-double/resources/dispute-life.ts';
import { openDispute } from '../../../local/stripe-double/resources/dispute-open.ts';
import { authenticate } from '../../../local/stripe-double/resources/payment-intents.ts';
import { answerRefund } from '../../../local/stripe-double/resources/refund-life.ts';
import type { World } from '../world.ts';
import { asStripe, type Deed, oneOf } from './deed.ts';

/*
 * Actions of cardholders and banks, and some of staff in Stripe's dashboard: refunds, detached cards, ended
 * subscriptions, deleted customers. They change Stripe's state at once. The service receives events. A new
 * action also needs a row in deeds.ts.
 */

export const refund: Deed = async ({ double, dashboard }, random) => {
  const charge = oneOf(
    random,
    double.state.charges.newestFirst.filter(
      ({ paid, amount, amount_refunded: refunded, disputed }) => paid && refunded < amount && !disputed,
    ),
  );
  if (charge === undefined) return null;
  const left = charge.amount - charge.amount_refunded;
  const amount = random.chance(0.5) ? left : random.int(1, left);
  await dashboard.refunds.create({ charge: charge.id, amount });
  return `${amount} of ${charge.id}`;
};

/** Disputes a charge in full or in part. A charge can have several disputes. */
export const dispute: Deed = async ({ double }, random) => {
  const charge = oneOf(
    random,
    double.state.charges.newestFirst.filter(
      ({ paid, disputed }) => paid && (!disputed || random.chance(0.1)),
    ),
  );
  if (charge === undefined) return null;
  const inquiry = random.chance(0.3);
  const amount = random.chance(0.8) ? charge.amount : random.int(1, charge.amount);
  const { id } = asStripe(double, () =>
    openDispute(double.scope(), charge, { reason: 'fraudulent', amount, inquiry }),
  );
  return `${id}: ${amount} of ${charge.id}`;
};

/**
 * Disputes a paid charge of a customer at the worst time: another charge is announced, and its outcome is
 * unknown. The command `bill` causes this dispute, so it is not in deeds.ts.
 */
export function disputeDuringCharge(world: World, customerId: string): void {
  const { double } = world;
  const charge = double.state.charges.newestFirst.find(
    ({ paid, disputed, customer }) =>
      paid &&
      !disputed &&
      double.state.customers.find(String(customer))?.metadata['customer_id'] === customerId,
  );
  if (charge === undefined) return;
  asStripe(double, () => openDispute(double.scope(), charge, { reason: 'fraudulent', inquiry: false }));
  world.note(`a bank disputes ${charge.id}`);
  world.publishEvents();
}

export const endDispute: Deed = async ({ double }, random) => {
  const open = oneOf(
    random,
    double.state.disputes.newestFirst.filter((one) => !isClosed(one)),
  );
  if (open === undefined) return null;
  const verdict = isInquiry(open)
    ? 'warning_closed'
    : random.pick(['won', 'won', 'lost', 'lost', 'prevented'] as const);
  asStripe(double, () => closeDispute(double.scope(), open, verdict));
  return `${open.id} ${verdict}`;
};

/** Escalates an inquiry to a chargeback. */
export const escalate: Deed = async ({ double }, random) => {
  const inquiry = oneOf(
    random,
    double.state.disputes.newestFirst.filter((one) => !isClosed(one) && isInquiry(one)),
  );
  if (inquiry === undefined) return null;
  const { id } = asStripe(double, () => escalateInquiry(double.scope(), inquiry));
  return `${inquiry.id} became ${id === inquiry.id ? 'a chargeback' : id}`;
};

export const appeal: Deed = async ({ double }, random) => {
  const lost = oneOf(
    random,
    double.state.disputes.newestFirst.filter(({ status }) => status === 'lost'),
  );
  if (lost === undefined) return null;
  asStripe(double, () => appealDispute(double.scope(), lost));
  return lost.id;
};

/** The bank reports the outcome of a refund. A refund can also fail days after it succeeded. */
export const answerRefunds: Deed = async ({ double }, random) => {
  const refund = oneOf(
    random,
    double.state.refunds.newestFirst.filter(
      ({ status }) => status === 'pending' || (status === 'succeeded' && random.chance(0.3)),
    ),
  );
  if (refund === undefined) return null;
  const answer = refund.status === 'succeeded' ? 'failed' : random.pick(['succeeded', 'failed'] as const);
  asStripe(double, () => answerRefund(double.scope(), refund, answer));
  return `${refund.id} ${answer}`;
};

export const confirm: Deed = async ({ double }, random) => {
  const waiting = oneOf(
    random,
    double.state.paymentIntents.newestFirst.filter(
      ({ status, last_payment_error: error }) =>
        status === 'requires_action' ||
        (status === 'requires_payment_method' && error?.code === 'authentication_required'),
    ),
  );
  if (waiting === undefined) return null;
  const succeeds = random.chance(0.7);
  asStripe(double, () => authenticate(double.scope(), waiting, succeeds));
  return `${waiting.id} ${succeeds}`;
};

export const detachCard: Deed = async ({ double, dashboard }, random) => {
  const card = oneOf(
    random,
    double.state.paymentMethods.newestFirst.filter(({ customer }) => customer !== null),
  );
  if (card === undefined) return null;
  await dashboard.paymentMethods.detach(card.id);
  return card.id;
};

export const endSubscription: Deed = async ({ double, dashboard }, random) => {
  const one = oneOf(
    random,
    double.state.subscriptions.newestFirst.filter(({ status }) => status !== 'canceled'),
  );
  if (one === undefined) return null;
  await dashboard.subscriptions.cancel(one.id);
  return one.id;
};

export const deleteCustomer: Deed = async ({ double, dashboard }, random) => {
  const one = oneOf(random, double.state.customers.newestFirst);
  if (one === undefined) return null;
  await dashboard.customers.del(one.id);
  return one.id;
};
