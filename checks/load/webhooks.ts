import * as z from 'zod/mini';
import type { StripeSettings } from '../../lib/settings/stripe-environment.ts';
import { WEBHOOK_PATH } from '../../lib/settings/stripe-environment.ts';
import { isHandled } from '../../lib/stripe/event-types.ts';
import { openSetupStripe } from '../../lib/stripe/setup/open.ts';
import { signatureHeader } from '../../local/stripe-double/webhooks/signature.ts';
import type { Random } from '../simulation/random.ts';
import { type Call, expectOneOf, fieldsOf, Unexpected } from './call.ts';

/*
 * Deliveries as Stripe would make them at a bad time: the events that there are, in no order, again and again, and events that
 * nobody has seen about things that have long been counted. Stripe's double delivers its own besides.
 */

/** `repeated`: one that was sent before. `listed`: any that Stripe lists. `renamed`: one with a new id about the same thing. */
const MIX = { repeated: 30, listed: 30, renamed: 40 } as const;
/** Of these, so many are of a type that changes nothing here. */
const MEANS_NOTHING = 0.2;
/** The newest events of Stripe's that are taken from, of either kind. */
const KEPT_EVENTS = 300;
const KEPT_SENT = 300;
const PAGE = 100;
const MAX_PAGES = 5;

const Event = z.looseObject({ id: z.string(), type: z.string() });
type Event = z.output<typeof Event>;

/** What was heard of one event. */
export interface Delivered {
  /** How often it was said that it is news: at most once, whoever delivers it. */
  told: number;
  /** How often it was said that it is known. */
  again: number;
  lost: number;
  /** Whether Stripe's double delivers it too. */
  readonly isTheirs: boolean;
}

export class Webhooks {
  /** By the event's id; kept to the end. */
  readonly delivered = new Map<string, Delivered>();
  readonly #random: Random;
  readonly #run: string;
  #handled: Event[] = [];
  #others: Event[] = [];
  #sent: Event[] = [];
  #newest: string | null = null;
  #made = 0;

  constructor(random: Random, run: string) {
    this.#random = random;
    this.#run = run;
  }

  /** How many events of Stripe's that mean something here there are to take from. */
  get known(): number {
    return this.#handled.length;
  }

  /** Asks Stripe's double for the events that came about since it was last asked. */
  async look({ secretKey, apiBase }: StripeSettings): Promise<void> {
    const stripe = openSetupStripe(secretKey, apiBase);
    let after: string | undefined;
    const fresh: Event[] = [];
    for (let page = 0; page < MAX_PAGES; page++) {
      const { data, has_more: hasMore } = await stripe.events.list({
        limit: PAGE,
        ...(this.#newest !== null && { ending_before: this.#newest }),
        ...(this.#newest === null && after !== undefined && { starting_after: after }),
      });
      const events = z.array(Event).parse(JSON.parse(JSON.stringify(data)));
      fresh.push(...events);
      after = events.at(-1)?.id;
      if (this.#newest !== null || !hasMore) break;
    }
    this.#newest = fresh[0]?.id ?? this.#newest;
    const [handled, others] = [[...this.#handled], [...this.#others]];
    for (const event of fresh.toReversed()) (isHandled(event.type) ? handled : others).push(event);
    this.#handled = handled.slice(-KEPT_EVENTS);
    this.#others = others.slice(-KEPT_EVENTS);
  }

  /** @throws Error when no event has been seen yet */
  next({ webhookSecrets }: StripeSettings): Call {
    const event = this.#pick();
    const body = JSON.stringify(event, null, 2);
    const delivered = this.#deliveredOf(event);
    return {
      kind: 'webhook',
      method: 'POST',
      path: WEBHOOK_PATH,
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'stripe-signature': signatureHeader(body, webhookSecrets, Math.floor(Date.now() / 1_000)),
      },
      body,
      lost: () => {
        delivered.lost += 1;
      },
      take: (answer) => {
        const label = expectOneOf(answer, ['200']);
        const outcome = String(fieldsOf(answer)['outcome']);
        switch (outcome) {
          case 'duplicate':
            delivered.again += 1;
            break;
          case 'processed':
          case 'ignored':
            delivered.told += 1;
            if (delivered.told > 1) throw new Unexpected(`200 ${outcome} for ${event.id}, a second time`);
            break;
          default:
            throw new Unexpected(`200 ${outcome} for ${event.id} (${event.type})`);
        }
        return `${label} ${outcome}`;
      },
    };
  }

  #pick(): Event {
    const kind = this.#random.weighted<keyof typeof MIX>(MIX);
    const isOther = this.#others.length > 0 && this.#random.chance(MEANS_NOTHING);
    const events = isOther ? this.#others : this.#handled;
    const event = this.#random.pick(kind === 'repeated' && this.#sent.length > 0 ? this.#sent : events);
    const picked = kind === 'renamed' ? { ...event, id: `evt_load${this.#run}x${this.#made++}` } : event;
    this.#sent = [...this.#sent.slice(1 - KEPT_SENT), picked];
    return picked;
  }

  #deliveredOf({ id }: Event): Delivered {
    const known = this.delivered.get(id);
    if (known !== undefined) return known;
    const delivered = { told: 0, again: 0, lost: 0, isTheirs: !id.startsWith(`evt_load${this.#run}`) };
    this.delivered.set(id, delivered);
    return delivered;
  }
}
