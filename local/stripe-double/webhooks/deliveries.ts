import { setTimeout as sleep } from 'node:timers/promises';
import type Stripe from 'stripe';
import type { StoredEvent } from '../events.ts';
import { withOrigin } from '../hosted.ts';
import type { State } from '../state.ts';
import { signatureHeader } from './signature.ts';

const ANSWER_WITHIN_MS = 10_000;
/** Shuffling mixes the deliveries within this time. */
const SHUFFLED_WITHIN_MS = 60;
const KEPT_ATTEMPTS = 2_000;

/** How events are delivered. All of it can be changed while the stand-in runs. */
export interface WebhookMode {
  /** Deliveries are held until they are released. */
  readonly off: boolean;
  /** How many extra times each event is sent. */
  readonly duplicates: number;
  readonly delayMs: number;
  readonly shuffle: boolean;
}

export const PLAIN_MODE: WebhookMode = { off: false, duplicates: 0, delayMs: 0, shuffle: false };

export interface Attempt {
  readonly event: string;
  readonly type: string;
  readonly endpoint: string;
  readonly url: string;
  readonly number: number;
  readonly atMs: number;
  /** Null without an answer. */
  readonly status: number | null;
  readonly error: string | null;
}

export interface DeliveryOptions {
  readonly attempts: number;
  /**
   * Before the second attempt; doubled before each further one. Real time, independent of the stand-in's
   * clock.
   */
  readonly backoffMs: number;
  /** From 0 to 1, without 1: decides the order of shuffled deliveries. */
  readonly random: () => number;
  readonly realMs: () => number;
  /** Called when an endpoint accepts an event for the first time. */
  readonly onTaken: (eventId: string, endpointId: string) => void;
}

interface Job {
  readonly event: StoredEvent;
  readonly endpoint: Stripe.WebhookEndpoint;
}

/** Signs events and posts them to their endpoints, with a limited number of retries. */
export class Deliveries {
  mode: WebhookMode = PLAIN_MODE;
  readonly #state: State;
  readonly #options: DeliveryOptions;
  readonly #attempts: Attempt[] = [];
  readonly #running = new Set<Promise<void>>();
  readonly #lanes = new Map<string, Promise<void>>();
  /** The server's address. */
  origin = '';
  readonly #stopping = new AbortController();
  #held: Job[] = [];
  #shuffling: Job[] = [];
  #quiet = false;

  constructor(state: State, options: DeliveryOptions) {
    this.#state = state;
    this.#options = options;
  }

  get attempts(): readonly Attempt[] {
    return this.#attempts;
  }

  get heldCount(): number {
    return this.#held.length;
  }

  /** Stores the event and starts its delivery to each subscribed endpoint. */
  accept(event: StoredEvent): void {
    const endpoints = this.#endpointsFor(event.type);
    event.pending_webhooks = endpoints.length;
    this.#state.events.add(event);
    this.#state.undelivered.set(event.id, new Set(endpoints.map(({ id }) => id)));
    if (this.#quiet) return;
    for (const endpoint of endpoints) {
      for (let n = 0; n <= this.mode.duplicates; n += 1) this.#dispatch({ event, endpoint });
    }
  }

  /** Stores the events of `work` without sending them. */
  quietly<T>(work: () => T): T {
    this.#quiet = true;
    try {
      return work();
    } finally {
      this.#quiet = false;
    }
  }

  /** Records that an endpoint accepted the event; returns whether this is new. */
  taken(eventId: string, endpointId: string): boolean {
    if (!this.#state.undelivered.get(eventId)?.delete(endpointId)) return false;
    const event = this.#state.events.known(eventId);
    event.pending_webhooks = Math.max(0, event.pending_webhooks - 1);
    return true;
  }

  /** Sends events that were not accepted yet, oldest first, to endpoints that are still enabled. */
  deliverUntaken(): number {
    const enabled = this.#state.webhookEndpoints.newestFirst.filter(({ status }) => status === 'enabled');
    let sent = 0;
    for (const event of this.#state.events.newestFirst.reverse()) {
      const waiting = this.#state.undelivered.get(event.id);
      for (const endpoint of enabled.filter(({ id }) => waiting?.has(id))) {
        this.#dispatch({ event, endpoint });
        sent += 1;
      }
    }
    return sent;
  }

  /** Sends an event again to every subscribed endpoint, even if it was accepted before. */
  redeliver(event: StoredEvent, only?: string): number {
    const endpoints = this.#endpointsFor(event.type).filter(({ id }) => only === undefined || id === only);
    // A journal replay sends nothing.
    if (this.#quiet) return endpoints.length;
    for (const endpoint of endpoints) this.#start({ event, endpoint });
    return endpoints.length;
  }

  /** Sends the held deliveries. */
  release(): number {
    const held = this.#held;
    this.#held = [];
    for (const job of held) this.#dispatch(job);
    return held.length;
  }

  /** Resolves when nothing is in flight. Held deliveries are not in flight. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.idle();
  }

  #endpointsFor(type: string): Stripe.WebhookEndpoint[] {
    return this.#state.webhookEndpoints.newestFirst
      .filter(
        ({ status, enabled_events: wanted }) =>
          status === 'enabled' && (wanted.includes('*') || wanted.includes(type)),
      )
      .reverse();
  }

  #dispatch(job: Job): void {
    if (this.mode.off) {
      this.#held.push(job);
      return;
    }
    if (!this.mode.shuffle) {
      this.#start(job, this.mode.delayMs);
      return;
    }
    this.#shuffling.push(job);
    if (this.#shuffling.length === 1)
      this.#track(this.#flushShuffled(SHUFFLED_WITHIN_MS + this.mode.delayMs));
  }

  async #flushShuffled(afterMs: number): Promise<void> {
    await this.#wait(afterMs);
    const jobs = this.#shuffling;
    this.#shuffling = [];
    for (const job of shuffled(jobs, this.#options.random)) this.#start(job);
  }

  /** First attempts of one endpoint run in sequence; retries do not block others. */
  #start(job: Job, delayMs = 0): void {
    const before = this.#lanes.get(job.endpoint.id) ?? Promise.resolve();
    const ready = delayMs === 0 ? before : Promise.all([before, this.#wait(delayMs)]);
    const first = ready.then(() => this.#attempt(job, 1));
    this.#lanes.set(
      job.endpoint.id,
      first.then(() => {}),
    );
    this.#track(first.then((taken) => (taken ? undefined : this.#retry(job))));
  }

  async #retry(job: Job): Promise<void> {
    for (let number = 2; number <= this.#options.attempts; number += 1) {
      await this.#wait(this.#options.backoffMs * 2 ** (number - 2));
      if (this.#stopping.signal.aborted || (await this.#attempt(job, number))) return;
    }
  }

  async #attempt({ event, endpoint }: Job, number: number): Promise<boolean> {
    const secrets = this.#state.webhookSecrets.get(endpoint.id);
    // The endpoint was deleted meanwhile.
    if (secrets === undefined || this.#stopping.signal.aborted) return true;
    const atMs = this.#options.realMs();
    const shown = { ...event, api_version: endpoint.api_version ?? event.api_version };
    const body = withOrigin(JSON.stringify(shown, null, 2), this.origin);
    // Real time: receivers check the age by their own clock, not by the stand-in's.
    const signature = signatureHeader(body, secrets, Math.floor(atMs / 1_000));
    const { status, error } = await this.#post(endpoint.url, body, signature);
    const { id, type } = event;
    this.#attempts.push({
      event: id,
      type,
      endpoint: endpoint.id,
      url: endpoint.url,
      number,
      atMs,
      status,
      error,
    });
    if (this.#attempts.length > KEPT_ATTEMPTS) this.#attempts.shift();
    const taken = status !== null && status >= 200 && status < 300;
    if (taken && this.taken(id, endpoint.id)) this.#options.onTaken(id, endpoint.id);
    return taken;
  }

  async #post(url: string, body: string, signature: string): Promise<Pick<Attempt, 'status' | 'error'>> {
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json; charset=utf-8',
          'user-agent': 'Stripe/1.0 (double)',
          'stripe-signature': signature,
        },
        body,
        // A redirect is a failure, like any status but 2xx.
        redirect: 'manual',
        signal: AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]),
      });
      await response.body?.cancel();
      return { status: response.status, error: null };
    } catch (error) {
      return { status: null, error: reasonOf(error) };
    }
  }

  #wait(ms: number): Promise<void> {
    return sleep(ms, undefined, { signal: this.#stopping.signal }).catch(() => {});
  }

  #track(work: Promise<void>): void {
    this.#running.add(work);
    void work.finally(() => this.#running.delete(work));
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const mixed = [...items];
  for (let i = mixed.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    const [a, b] = [mixed[i], mixed[j]];
    if (a !== undefined && b !== undefined) {
      mixed[i] = b;
      mixed[j] = a;
    }
  }
  return mixed;
}
