import type { CustomerHead } from '../../domain/customer.ts';
import { isOver } from '../../domain/subscription.ts';
import { isProbeCustomerEmail, isTestCustomerEmail } from '../../domain/test-customer.ts';
import { BillingError } from '../../errors.ts';
import type { PaymentDeps } from '../../runtime/deps.ts';
import { isLiveStage } from '../../settings/stripe.ts';
import { readEventRecord } from '../../store/events.ts';
import { readHead } from '../../store/heads.ts';
import { type Key, keys } from '../../store/keys.ts';
import { findByEmail } from '../../store/owners.ts';
import { isHandled } from '../../stripe/event-types.ts';
import type { CustomerEvent } from '../../stripe/port.ts';
import { retryContended } from '../ledger/retry-contended.ts';
import { askStripe } from '../payments/payment-problems.ts';
import { inBatches, readBelongings, removeTogether } from './belongings.ts';
import { bindStripeCustomer } from './stripe-customer.ts';

/** Items written during the removal are removed too. Five rounds suffice for the few writes. */
const MAX_ROUNDS = 5;

/** Names a test customer: by e-mail address if the sign-up got no answer. */
export type TestCustomer = { readonly customerId: string } | { readonly email: string };

export type Removal =
  /** `items`: how many items of the table are deleted. */
  | { readonly kind: 'removed'; readonly items: number }
  /**
   * Deleted at Stripe but not here: some of Stripe's events about the customer have not arrived. Call again.
   */
  | { readonly kind: 'waiting'; readonly events: number }
  /** The customer does not exist, or no longer exists. */
  | { readonly kind: 'unknown' };

/**
 * Removes every trace of a customer of the smoke test or the probe, first at Stripe, then here. A later event
 * would find no owner and stay parked, so the removal waits for the events that Stripe will still deliver.
 * Idempotent; to be repeated while it returns `waiting`. After a crash or `ledger_busy`, a repeat by e-mail
 * address always continues; by id only while the head still exists.
 * @param options.awaitEvents false: removes the customer before all events have arrived
 * @throws BillingError invalid_request for every other customer; on the live stage also for customers of the
 * smoke test, and for those of the probe that exist at Stripe; payments_unavailable, payments_misconfigured,
 * ledger_busy, ledger_unavailable
 */
export async function removeTestCustomer(
  deps: PaymentDeps,
  who: TestCustomer,
  { awaitEvents = true } = {},
): Promise<Removal> {
  if ('email' in who) assertRemovable(deps, who.email);
  const customerId = 'email' in who ? await findByEmail(deps.table, who.email) : who.customerId;
  if (customerId === null) return { kind: 'unknown' };
  const head = await readHead(deps.table, customerId);
  if (head === null) {
    if (!('email' in who)) return { kind: 'unknown' };
    // An earlier call has removed the head, after all that Stripe has, but not the items written since.
    const rest = { customerId, email: who.email };
    return { kind: 'removed', items: await removeStored(deps, rest, { stripeIds: [], eventIds: [] }) };
  }
  assertRemovable(deps, head.email);

  const stripeIds: string[] = [];
  const eventIds: string[] = [];
  for (const id of await removableAtStripe(deps, head)) {
    const { open, events } = await removeAtStripe(deps, id, { since: new Date(head.createdAt), awaitEvents });
    if (open > 0 && awaitEvents) return { kind: 'waiting', events: open };
    stripeIds.push(id, ...events.flatMap(({ objectId }) => objectId ?? []));
    eventIds.push(...events.map((event) => event.id));
  }
  return {
    kind: 'removed',
    items: await removeStored(deps, head, { stripeIds: boundIds(stripeIds), eventIds }),
  };
}

function assertRemovable({ stage }: PaymentDeps, email: string): void {
  if (isLiveStage(stage) ? isProbeCustomerEmail(email) : isTestCustomerEmail(email)) return;
  if (isLiveStage(stage)) throw notOnLiveStage(stage);
  throw refusal(
    'Only customers of the smoke test (smoke+…@rsolv.dev) and of the probe (probe+…@rsolv.dev) can be ' +
      'removed. Close other customers with: customer close.',
  );
}

const notOnLiveStage = (stage: string): BillingError =>
  refusal(
    `${stage} is the live stage. Only customers of the probe (probe+…@rsolv.dev) can be removed there, ` +
      'and only if Stripe does not know them.',
  );

const refusal = (detail: string): BillingError => new BillingError('invalid_request', detail);

/**
 * The probe adds no card, so its customers never exist at Stripe. On the live stage, one that does is not the
 * probe's, and nothing of it is removed.
 */
async function removableAtStripe(deps: PaymentDeps, head: CustomerHead): Promise<string[]> {
  if (!isLiveStage(deps.stage)) return stripeCustomersOf(deps, head);
  const { customerId, email, stripeCustomerId, formerStripeCustomerId } = head;
  const isKnown = stripeCustomerId !== null || formerStripeCustomerId !== null;
  const stripe = await deps.stripe();
  if (!isKnown && (await askStripe(() => stripe.findCustomers({ customerId, email }))).length === 0)
    return [];
  throw notOnLiveStage(deps.stage);
}

/**
 * Includes a Stripe customer that a crash left unbound. It is bound now, so that its deletion event finds its
 * owner.
 */
async function stripeCustomersOf(deps: PaymentDeps, head: CustomerHead): Promise<string[]> {
  const { customerId, email, stripeCustomerId, formerStripeCustomerId } = head;
  const known = [stripeCustomerId, formerStripeCustomerId].filter((id) => id !== null);
  if (known.length > 0) return known;
  const stripe = await deps.stripe();
  const found = await askStripe(() => stripe.findCustomers({ customerId, email }));
  const [first] = found;
  if (first !== undefined) await bindStripeCustomer(deps, customerId, first);
  return found;
}

interface RemovedAtStripe {
  /** Events that have not arrived yet. */
  readonly open: number;
  readonly events: readonly CustomerEvent[];
}

/**
 * Cancels the subscription, and deletes the customer once all events about that have arrived: an event about
 * a deleted customer cannot be applied. The deletion's own event is the last one.
 */
async function removeAtStripe(
  deps: PaymentDeps,
  id: string,
  { since, awaitEvents }: { readonly since: Date; readonly awaitEvents: boolean },
): Promise<RemovedAtStripe> {
  const stripe = await deps.stripe();
  return askStripe(async () => {
    const account = await stripe.readAccount(id);
    if (account.kind === 'account') {
      for (const { id: subscription, state } of account.subscriptions) {
        if (!isOver(state)) await stripe.cancelSubscription(subscription);
      }
      const events = await stripe.findEventsOf(id, since);
      const open = await countOpen(deps, events);
      if (open > 0 && awaitEvents) return { open, events };
      await stripe.deleteCustomer(id);
    }
    const events = await stripe.findEventsOf(id, since);
    const hasDeletion = events.some(({ type }) => type === 'customer.deleted');
    return { open: (await countOpen(deps, events)) + (hasDeletion ? 0 : 1), events };
  });
}

/** Events that Stripe has not delivered everywhere yet, and that have not arrived here. */
async function countOpen({ table }: PaymentDeps, events: readonly CustomerEvent[]): Promise<number> {
  const undeliveredEvents = events.filter(({ type, undelivered }) => undelivered && isHandled(type));
  const records = await Promise.all(undeliveredEvents.map(({ id }) => readEventRecord(table, id)));
  return records.filter((record) => record === null).length;
}

/** The Stripe ids that are bound to a customer, each once. */
const boundIds = (ids: readonly string[]): string[] => [
  ...new Set(ids.filter((id) => /^(cus|pm)_/.test(id))),
];

/**
 * The head goes after all that it names, and ends most writes. The address goes when nothing is left, so that
 * a repeat by address still finds the customer.
 */
async function removeStored(
  deps: PaymentDeps,
  { customerId, email }: Pick<CustomerHead, 'customerId' | 'email'>,
  ids: Parameters<typeof readBelongings>[2],
): Promise<number> {
  let items = 0;
  const remove = async (wanted: readonly Key[]) => {
    for (const part of inBatches(wanted)) await retryContended(deps, () => removeTogether(deps.table, part));
    items += wanted.length;
  };
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const { outside, own, head } = await readBelongings(deps.table, customerId, ids);
    if (outside.length + own.length + head.length === 0) {
      await remove([keys.email(email)]);
      return items;
    }
    // Items outside the partition are found through the partition, so they go first.
    for (const part of [outside, own, head]) await remove(part);
  }
  throw new BillingError('ledger_busy', `Customer ${customerId} is still being written to. Try again.`);
}
