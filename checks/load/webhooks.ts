import * as z from 'zod/mini';
import type { StripeSettings } from '../../lib/settings/stripe-environment.ts';
import { WEBHOOK_PATH } from '../../lib/settings/stripe-environment.ts';
import { isHandled } from '../../lib/stripe/event-types.ts';
import { openSetupStripe } from '../../lib/stripe/setup/open.ts';
import { signatureHeader } from '../../local/stripe-double/webhooks/signature.ts';
import type { Random } from '../simulation/random.ts';
import { type Call, expectOneOf, fieldsOf, Unexpected } from './call.ts';

/*
 * Stripe's deliveries at a bad time: existing events in random order and repeatedly, and new events about
 * objects that are already applied. Stripe's stand-in also delivers its own events.
 */

/** `repeated`: sent before. `listed`: any event that Stripe lists. `renamed`: the same with a new id. */
const MIX = { repeated: 30, listed: 30, renamed: 40 } as const;
/** The share of events whose type has no effect in the service. */
const MEANS_NOTHING = 0.2;
/** How many of Stripe's newest events are kept, handled and unhandled types separately. */
const KEPT_EVENTS = 300;
const KEPT_SENT = 300;
const PAGE = 100;
const MAX_PAGES = 5;

const Event = z.looseObject({ id: z.string(), type: z.string() });
type Event = z.output<typeof Event>;

/** The answers for one event. */
export interface Delivered {
  /** Answers that call the event new. At most one over all deliveries. */
  newAnswers: number;
  /** Answers that call the event known. */
  duplicateAnswers: number;
  lost: number;
  /** Whether Stripe's stand-in delivers the event too. */
  readonly isTheirs: boolean;
}

export class Webhooks {
  /** By event id. Kept until the end. */
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

  /** Number of available Stripe events whose type the service handles. */
  get known(): number {
    return this.#handled.length;
  }

  /** Fetches the events that are new at Stripe's stand-in since the last call. */
  async fetchNew({ secretKey, apiBase }: StripeSettings): Promise<void> {
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

  /** @throws Error when no event is known yet */
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
            delivered.duplicateAnswers += 1;
            break;
          case 'processed':
          case 'ignored':
            delivered.newAnswers += 1;
            if (delivered.newAnswers > 1) throw new Unexpected(`200 ${outcome} for ${event.id} twice`);
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
    const delivered = {
      newAnswers: 0,
      duplicateAnswers: 0,
      lost: 0,
      isTheirs: !id.startsWith(`evt_load${this.#run}`),
    };
    this.delivered.set(id, delivered);
    return delivered;
  }
}
