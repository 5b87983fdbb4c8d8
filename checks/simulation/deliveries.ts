import { MailFault } from '../../lib/mail/port.ts';
import { applyEvent } from '../../lib/operations/events/apply-event.ts';
import { deliverNotice } from '../../lib/operations/notices/deliver-notice.ts';
import { type NoticeName, noticeLabel } from '../../lib/store/keys.ts';
import { parseEvent, type StripeEvent } from '../../lib/stripe/event.ts';
import { isHandled } from '../../lib/stripe/event-types.ts';
import type { StoredEvent } from '../../local/stripe-double/events.ts';
import { latencyMs } from './latency.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

const HOUR_MS = 60 * 60 * 1_000;
const WEBHOOK_SECONDS = 28;
const DELIVERY_SECONDS = 60;
const MAX_TRIES = 4;
/** Stripe's tries, and those of support. */
const MAX_TRIES_IN_ALL = 3 * MAX_TRIES;
/** Support replays an event that was not delivered after this time, before Stripe deletes it. */
const LOST_FOR_MS = 20 * 24 * HOUR_MS;

/** Delivers events and notices: late, twice, out of order, and sometimes not at all. */
export class Deliveries {
  /** Events without a successful delivery. */
  readonly undelivered = new Map<string, StripeEvent>();
  readonly #world: World;
  /** How often the stream delivered each notice. */
  readonly #streamed = new Map<string, number>();

  constructor(world: World) {
    this.#world = world;
    world.onEvent = (event, name) => this.#follow(event, name);
    world.onNotice = (name) => this.#stream(name);
  }

  /** Sends every undelivered event again. */
  redeliver(): void {
    for (const event of this.undelivered.values()) this.#deliver(event, `again ${event.id}`, 0, MAX_TRIES);
  }

  #follow(stored: StoredEvent, name: string): void {
    if (!isHandled(stored.type)) return;
    const event = parseEvent(JSON.parse(JSON.stringify(stored)));
    if (event === null) throw new Error(`${stored.type} of the double is not an event`);
    this.undelivered.set(event.id, event);
    const random = this.#world.random(`event ${name}`);
    if (this.#world.isCalm) {
      this.#deliver(event, name, 1, MAX_TRIES);
      return;
    }
    const copies = random.chance(0.2) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const isLost = random.chance(0.04);
      const [delay, tries] = isLost ? [LOST_FOR_MS, MAX_TRIES + 1] : [delayMs(random), 1];
      this.#deliver(event, copy === 0 ? name : `${name}×2`, delay, tries);
    }
  }

  #deliver(event: StripeEvent, name: string, delay: number, tries: number): void {
    const world = this.#world;
    const atMs = world.scheduler.nowMs + delay;
    let isAnswered = false;
    world.begin({ name, atMs, seconds: WEBHOOK_SECONDS }, async () => {
      const { outcome, reason } = await applyEvent(world.deps, event);
      isAnswered = true;
      this.undelivered.delete(event.id);
      world.promises.push({ kind: 'event_taken', eventId: event.id });
      return `${event.id} ${outcome}: ${reason}`;
    });
    if (world.isCalm || tries === MAX_TRIES_IN_ALL) return;
    // Stripe retries a delivery without a successful answer. After its last try, the event is lost until
    // support replays it.
    const soonMs = world.random(`again ${name}`).int(WEBHOOK_SECONDS, 600) * 1_000 * tries;
    world.at(`${name}+`, atMs + (tries === MAX_TRIES ? LOST_FOR_MS : soonMs), () => {
      if (!isAnswered && this.undelivered.has(event.id)) this.#deliver(event, `${name}+`, 0, tries + 1);
    });
  }

  #stream(name: NoticeName): void {
    const label = `${name.customerId} ${noticeLabel(name)}`;
    const nth = (this.#streamed.get(label) ?? 0) + 1;
    this.#streamed.set(label, nth);
    const actor = `notice ${label} ${nth}`;
    const random = this.#world.random(actor);
    const copies = !this.#world.isCalm && random.chance(0.1) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++)
      this.#deliverNotice(name, label, `${actor}/${copy}`, random.int(50, 2_000), 1);
  }

  #deliverNotice(name: NoticeName, label: string, actor: string, delay: number, tries: number): void {
    const world = this.#world;
    const atMs = world.scheduler.nowMs + delay;
    let isOver = false;
    const mail = { send: () => this.#send(label) };
    world.begin({ name: actor, atMs, seconds: DELIVERY_SECONDS }, async () => {
      const outcome = await deliverNotice(
        { ...world.deps, mail, appUrl: 'https://app.rsolv.dev', apiUrl: 'https://api.rsolv.dev' },
        name,
      );
      isOver = outcome !== 'taken';
      return `${label} ${outcome}`;
    });
    if (tries >= MAX_TRIES) return;
    world.at(`${actor}+`, atMs + DELIVERY_SECONDS * 1_000 * tries, () => {
      if (!isOver) this.#deliverNotice(name, label, `${actor}+`, 0, tries + 1);
    });
  }

  async #send(label: string): Promise<string> {
    const world = this.#world;
    const { actor } = world.scheduler;
    if (actor === undefined) throw new Error('mail was sent outside of an actor');
    await world.scheduler.wait(latencyMs(actor.random));
    if (actor.faults !== null && actor.random.chance(actor.faults.stripe)) throw new MailFault('simulated');
    const sent = world.mails.get(label) ?? [];
    world.mails.set(label, [...sent, actor]);
    await world.scheduler.wait(latencyMs(actor.random));
    return `message-${world.mails.size}`;
  }
}

function delayMs(random: Random): number {
  const kind = random.next();
  if (kind < 0.5) return random.int(0, 300);
  if (kind < 0.85) return random.int(300, 20_000);
  if (kind < 0.97) return random.int(20_000, HOUR_MS);
  return random.int(HOUR_MS, 48 * HOUR_MS);
}
