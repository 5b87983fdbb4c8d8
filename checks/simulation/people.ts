import { closeDispute } from '../../local/stripe-double/resources/dispute-life.ts';
import { openDispute } from '../../local/stripe-double/resources/dispute-open.ts';
import { authenticate } from '../../local/stripe-double/resources/payment-intents.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

/*
 * What cardholders, banks and people in Stripe's dashboard do. Stripe is told of it at once, and the service by events alone.
 */

export type Deed = (world: World, random: Random) => Promise<string>;

export const refund: Deed = async ({ double, dashboard }, random) => {
  const charge = oneOf(
    random,
    double.state.charges.newestFirst.filter(
      ({ paid, amount, amount_refunded: refunded, disputed }) => paid && refunded < amount && !disputed,
    ),
  );
  if (charge === undefined) return 'nothing to refund';
  const left = charge.amount - charge.amount_refunded;
  const amount = random.chance(0.5) ? left : random.int(1, left);
  await dashboard.refunds.create({ charge: charge.id, amount });
  return `${amount} of ${charge.id}`;
};

export const dispute: Deed = async ({ double }, random) => {
  const charge = oneOf(
    random,
    double.state.charges.newestFirst.filter(({ paid, disputed }) => paid && !disputed),
  );
  if (charge === undefined) return 'nothing to dispute';
  const inquiry = random.chance(0.3);
  const { id } = byItself(double, () =>
    openDispute(double.scope(), charge, { reason: 'fraudulent', inquiry }),
  );
  return `${id} of ${charge.id}`;
};

export const endDispute: Deed = async ({ double }, random) => {
  const open = oneOf(
    random,
    double.state.disputes.newestFirst.filter(({ status }) => !/^(won|lost|warning_closed)$/.test(status)),
  );
  if (open === undefined) return 'nothing is disputed';
  const verdict = open.status.startsWith('warning') ? 'warning_closed' : random.chance(0.5) ? 'won' : 'lost';
  byItself(double, () => closeDispute(double.scope(), open, verdict));
  return `${open.id} ${verdict}`;
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
  if (waiting === undefined) return 'nothing to confirm';
  const succeeds = random.chance(0.7);
  byItself(double, () => authenticate(double.scope(), waiting, succeeds));
  return `${waiting.id} ${succeeds}`;
};

export const detachCard: Deed = async ({ double, dashboard }, random) => {
  const card = oneOf(
    random,
    double.state.paymentMethods.newestFirst.filter(({ customer }) => customer !== null),
  );
  if (card === undefined) return 'no card';
  await dashboard.paymentMethods.detach(card.id);
  return card.id;
};

export const endSubscription: Deed = async ({ double, dashboard }, random) => {
  const one = oneOf(
    random,
    double.state.subscriptions.newestFirst.filter(({ status }) => status !== 'canceled'),
  );
  if (one === undefined) return 'no subscription';
  await dashboard.subscriptions.cancel(one.id);
  return one.id;
};

export const deleteCustomer: Deed = async ({ double, dashboard }, random) => {
  const one = oneOf(random, double.state.customers.newestFirst);
  if (one === undefined) return 'no customer';
  await dashboard.customers.del(one.id);
  return one.id;
};

/** As the double does what comes due: a moment of its time, with events. */
function byItself<T>(double: World['double'], work: () => T): T {
  return double.turn({ kind: 'time' }, work);
}

const oneOf = <T>(random: Random, list: readonly T[]): T | undefined =>
  list.length === 0 ? undefined : random.pick(list);
