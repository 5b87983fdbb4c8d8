import { setTimeout as delay } from 'node:timers/promises';
import Stripe from 'stripe';
import * as z from 'zod/mini';
import type { StripeSettings } from '../../lib/settings/stripe-environment.ts';
import { openSetupStripe } from '../../lib/stripe/setup/open.ts';
import type { Random } from '../simulation/random.ts';
import type { Outages } from './outages.ts';
import type { Tally } from './tally.ts';
import type { Person, World } from './world.ts';

/*
 * A person who works in Stripe's dashboard during the load, and the banks: refunds, disputes, credit notes,
 * changed and removed cards, ended subscriptions. The service learns of these changes only from events.
 */

const MIX = {
  'refund a part': 4,
  'refund the rest': 2,
  'fail a refund': 1,
  dispute: 2,
  'end a dispute': 4,
  'credit an invoice': 3,
  'change the card': 4,
  'attach a declining card': 1,
  'detach the card': 1,
  'end the subscription': 1,
  'pay out': 1,
} as const;
type Deed = keyof typeof MIX;

const MINUTE_MS = 60_000;
/** A deed picks from this many of the newest objects of a kind. */
const AMONG = 40;

export interface PersonAtStripeOptions {
  readonly world: World;
  readonly random: Random;
  readonly settings: () => StripeSettings;
  /** Calls a control of the Stripe stand-in, for actions of a bank or a browser. */
  readonly control: (path: string, input: object) => Promise<unknown>;
  readonly outages: Outages;
  readonly tally: Tally;
}

const Card = z.object({ payment_method: z.string() });

export class PersonAtStripe {
  readonly #options: PersonAtStripeOptions;

  constructor(options: PersonAtStripeOptions) {
    this.#options = options;
  }

  /** Does one deed after another until the signal. Counts calls that Stripe rejects; they are no fault. */
  async work(perMinute: number, over: AbortSignal): Promise<void> {
    const { outages, tally } = this.#options;
    while (!over.aborted && perMinute > 0) {
      await delay(MINUTE_MS / perMinute, undefined, { signal: over }).catch(() => {});
      if (over.aborted || outages.isOpen) continue;
      const before = outages.all.length;
      try {
        const done = await this.#act();
        if (done !== null) tally.deeds.add(done);
      } catch (error) {
        if (error instanceof Stripe.errors.StripeInvalidRequestError) tally.deeds.add('rejected by Stripe');
        else if (outages.all.length === before) tally.blame(`at Stripe: ${error}`);
      }
    }
  }

  /**
   * Does one random deed. Returns null if no object suits it.
   * @throws StripeError as the SDK does
   */
  async #act(): Promise<Deed | null> {
    const { random, settings } = this.#options;
    const { secretKey, apiBase } = settings();
    const stripe = openSetupStripe(secretKey, apiBase);
    const deed = random.weighted<Deed>(MIX);
    return (await this.#do(deed, stripe)) ? deed : null;
  }

  #do(deed: Deed, stripe: Stripe): Promise<boolean> {
    const { control } = this.#options;
    switch (deed) {
      case 'refund a part':
        return this.#ofCharge(stripe, async ({ id, amount, amount_refunded: gone }) => {
          await stripe.refunds.create({ charge: id, amount: Math.max(1, Math.floor((amount - gone) / 3)) });
        });
      case 'refund the rest':
        return this.#ofCharge(stripe, async ({ id }) => {
          await stripe.refunds.create({ charge: id });
        });
      case 'fail a refund':
        return this.#failRefund(stripe);
      case 'dispute':
        return this.#ofCharge(stripe, async ({ id }) => {
          await control(`charges/${id}/dispute`, { inquiry: this.#options.random.chance(0.3) });
        });
      case 'end a dispute':
        return this.#endDispute(stripe);
      case 'credit an invoice':
        return this.#creditInvoice(stripe);
      case 'change the card':
        return this.#ofCustomer(stripe, (customer) => this.#changeCard(stripe, customer, 'visa'));
      case 'attach a declining card':
        return this.#ofCustomer(stripe, (customer) =>
          this.#changeCard(stripe, customer, 'chargeCustomerFail'),
        );
      case 'detach the card':
        return this.#ofCustomer(stripe, (customer) => takeCardAway(stripe, customer));
      case 'end the subscription':
        return this.#ofCustomer(stripe, (customer) => endSubscription(stripe, customer));
      case 'pay out':
        return control('payouts', {}).then(
          () => true,
          // The stand-in's balance is not available in the first two days of its time.
          () => false,
        );
      default:
        return deed satisfies never;
    }
  }

  async #ofCharge(stripe: Stripe, work: (charge: Stripe.Charge) => Promise<void>): Promise<boolean> {
    const { data } = await stripe.charges.list({ limit: AMONG });
    const charge = this.#oneOf(data.filter(({ paid, refunded, disputed }) => paid && !refunded && !disputed));
    if (charge === undefined || (await this.#trouble(stripe, charge.customer)) === null) return false;
    await work(charge);
    return true;
  }

  /** Picks a Stripe customer who has paid by card. */
  async #ofCustomer(stripe: Stripe, work: (customer: string) => Promise<boolean>): Promise<boolean> {
    const { data } = await stripe.charges.list({ limit: AMONG });
    const customer = idOf(this.#oneOf(data)?.customer);
    if (customer === null || (await this.#trouble(stripe, customer)) === null) return false;
    return work(customer);
  }

  async #failRefund(stripe: Stripe): Promise<boolean> {
    const { data } = await stripe.refunds.list({ limit: AMONG });
    const refund = this.#oneOf(data.filter(({ status }) => status === 'succeeded'));
    if (refund === undefined) return false;
    await this.#options.control(`refunds/${refund.id}/answer`, { status: 'failed' });
    return true;
  }

  async #endDispute(stripe: Stripe): Promise<boolean> {
    const { data } = await stripe.disputes.list({ limit: AMONG });
    const open = this.#oneOf(data.filter(({ status }) => /needs_response|under_review/.test(status)));
    if (open === undefined) return false;
    const isInquiry = open.status.startsWith('warning');
    const status = isInquiry ? 'warning_closed' : this.#options.random.pick(['won', 'lost'] as const);
    await this.#options.control(`disputes/${open.id}/close`, { status });
    return true;
  }

  async #creditInvoice(stripe: Stripe): Promise<boolean> {
    const { random } = this.#options;
    const { data } = await stripe.invoices.list({ status: 'paid', limit: AMONG });
    const invoice = this.#oneOf(data.filter(({ total }) => total > 0));
    if (invoice === undefined || (await this.#trouble(stripe, invoice.customer)) === null) return false;
    const amount = random.int(1, Math.ceil(invoice.total / 4));
    const way = random.pick(['credit_amount', 'refund_amount', 'out_of_band_amount'] as const);
    await stripe.creditNotes.create({ invoice: invoice.id, amount, [way]: amount });
    return true;
  }

  async #changeCard(stripe: Stripe, customer: string, behavesLike: string): Promise<boolean> {
    const made = Card.parse(await this.#options.control('cards', { behavesLike }));
    const { id } = await stripe.paymentMethods.attach(made.payment_method, { customer });
    await stripe.customers.update(customer, { invoice_settings: { default_payment_method: id } });
    return true;
  }

  /** Marks a Stripe customer's person as troubled before a deed. Null while the person is signing up. */
  async #trouble(stripe: Stripe, reference: Stripe.Charge['customer']): Promise<Person | null> {
    const customer = await stripe.customers.retrieve(idOf(reference) ?? '');
    if (customer.deleted) return null;
    const person = this.#options.world.people.find(({ id }) => id === customer.metadata['customer_id']);
    if (person === undefined) return null;
    person.isTroubled = true;
    return person;
  }

  #oneOf<T>(list: readonly T[]): T | undefined {
    return list.length === 0 ? undefined : this.#options.random.pick(list);
  }
}

async function takeCardAway(stripe: Stripe, customer: string): Promise<boolean> {
  const [method] = (await stripe.paymentMethods.list({ customer })).data;
  if (method === undefined) return false;
  await stripe.paymentMethods.detach(method.id);
  return true;
}

async function endSubscription(stripe: Stripe, customer: string): Promise<boolean> {
  const [subscription] = (await stripe.subscriptions.list({ customer })).data;
  if (subscription === undefined) return false;
  await stripe.subscriptions.cancel(subscription.id);
  return true;
}

const idOf = (reference: Stripe.Charge['customer'] | undefined): string | null =>
  typeof reference === 'string' ? reference : (reference?.id ?? null);
