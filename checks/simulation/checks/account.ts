import type { Double } from '../../../local/stripe-double/double.ts';
import { fieldOf, type Stored } from './stored.ts';

type State = Double['state'];

/**
 * The head and Stripe must agree whether the subscription ends with its period. A later end does not count.
 */
export function wrongEnds({ subscriptions }: State, { heads }: Stored): string[] {
  return heads.flatMap((head) => {
    const one = subscriptions.find(String(fieldOf(head, 'subscription', 'id')));
    if (one === undefined || one.ended_at !== null) return [];
    const periodEnd = one.items.data[0]?.current_period_end ?? 0;
    const ends = one.cancel_at_period_end || (one.cancel_at !== null && one.cancel_at <= periodEnd);
    const inHead = fieldOf(head, 'subscription', 'cancel_at_period_end');
    return inHead === ends
      ? []
      : [`${head['pk']}: ${one.id} should end with its period: ${ends}, the head has ${inHead}`];
  });
}

/** Finds parked events of Stripe customers that are not ours. They need no action, so parking is wrong. */
export function wronglyParkedEvents({ events, customers }: State, stored: Stored): string[] {
  return stored.all
    .filter(({ pk, due }) => String(pk).startsWith('EVENT#') && due === 'parked')
    .flatMap(({ pk }) => {
      const id = String(pk).slice('EVENT#'.length);
      const object = events.find(id)?.data.object ?? {};
      const customer = 'customer' in object ? String(object.customer) : '';
      const isOurs =
        stored.ownerOf(customer) !== undefined ||
        customers.find(customer)?.metadata['customer_id'] !== undefined;
      return customer === '' || customers.find(customer) === undefined || isOurs
        ? []
        : [`event ${id} of ${customer}, not a customer of the service, is parked`];
    });
}
