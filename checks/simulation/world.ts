import Stripe from 'stripe';
import { BillingError } from '../../lib/errors.ts';
import { MailFault } from '../../lib/mail/port.ts';
import { ReturnNeedsPerson } from '../../lib/operations/payments/return-double-payment.ts';
import type { PaymentDeps } from '../../lib/runtime/deps.ts';
import { type NoticeName, parseNoticeKey } from '../../lib/store/keys.ts';
import { stripePort } from '../../lib/stripe/client.ts';
import { StripeFault } from '../../lib/stripe/fault.ts';
import type { StripePort } from '../../lib/stripe/port.ts';
import { openStripe } from '../../lib/stripe/sdk.ts';
import { ensureProPrice } from '../../lib/stripe/setup/price.ts';
import { Double } from '../../local/stripe-double/double.ts';
import type { StoredEvent } from '../../local/stripe-double/events.ts';
import { Refusal } from '../../local/stripe-double/http/errors.ts';
import { withoutUndefined } from '../../local/stripe-double/params.ts';
import { SWITCH_NAMES, SWITCHES, switchesSchema } from '../../local/stripe-double/switches.ts';
import { TableModel } from '../../test/support/table-model/model.ts';
import { forPeople } from './checks/for-people.ts';
import { OnTheWay } from './checks/on-the-way.ts';
import type { Promised } from './checks/promises.ts';
import { abbreviated, described, STRIPE_ID } from './in-words.ts';
import { Random } from './random.ts';
import { type Actor, type FaultRates, Scheduler } from './scheduler.ts';
import { faultyTable } from './store/faulty.ts';
import { modelTable } from './store/table.ts';
import { stripeLine } from './stripe/line.ts';

export const START = Date.parse('2026-11-02T08:00:00.000Z');
const SECRET_KEY = 'sk_test_simulated';
/** The longest lag of the index. */
const MAX_LAG_MS = 20_000;

/** A request has a few hundred calls and pauses at most, whatever faults occur. */
const MAX_WAITS = 700;
const REQUEST_SECONDS = 28;

export interface Slot {
  email: string;
  customerId: string | null;
  readonly keyIds: string[];
}

export interface TraceLine {
  readonly atMs: number;
  readonly actor: string;
  readonly what: string;
}

export interface ActorOptions {
  readonly name: string;
  readonly atMs: number;
  /** The time-out of its function. */
  readonly seconds: number;
  readonly faulty?: boolean;
  /** Uses Stripe's own pages. */
  readonly isAtStripe?: boolean;
}

export interface WorldOptions {
  readonly episode: string;
  /** Whether faults can occur. */
  readonly faulty: boolean;
  readonly traced: boolean;
}

/** The service, its table, its Stripe, customers, operators and banks, in one process with one clock. */
export class World {
  readonly model: TableModel;
  readonly double: Double;
  readonly scheduler: Scheduler;
  readonly deps: PaymentDeps;
  /** The same table without faults and latency, for checks. */
  readonly calmDeps: PaymentDeps;
  /** The SDK, for actions in Stripe's dashboard. */
  readonly dashboard: ReturnType<typeof openStripe>;
  readonly slots = new Map<number, Slot>();
  readonly promises: Promised[] = [];
  /** The limits that were set or may have been set, by customer. */
  readonly limits = new Map<string, readonly (number | null)[]>();
  /** Customers with a payment above their limit. */
  readonly lateCustomers = new Set<string>();
  readonly violations: string[] = [];
  /** The customers whose accounts an operator began to close, which ends their keys first. */
  readonly closing = new Set<string>();
  /** The deeds that happened at least once. */
  readonly deeds = new Set<string>();
  readonly trace: TraceLine[] = [];
  /** The actors that sent each notice. */
  readonly mails = new Map<string, readonly Actor[]>();
  /** Called for each event of Stripe, and for each notice in the stream. */
  onEvent: (event: StoredEvent, name: string) => void = () => {};
  onNotice: (name: NoticeName) => void = () => {};
  operations = 0;
  /** Until this time, Stripe does not answer the service. */
  outage = { untilMs: 0, writesOnly: false };
  isCalm = false;
  readonly #episode: string;
  readonly #faulty: boolean;
  readonly #traced: boolean;
  readonly #lag: Random;
  readonly #onTheWay: OnTheWay;
  readonly #causes = new Map<string, number>();
  #port: StripePort | null = null;
  #seenEvents = 0;

  constructor({ episode, faulty, traced }: WorldOptions) {
    this.#episode = episode;
    this.#faulty = faulty;
    this.#traced = traced;
    this.#lag = new Random(`${episode} lag`);
    this.scheduler = new Scheduler(
      START,
      (actor, what) => this.note(what, actor),
      ({ name, waits }) => this.violate(`${name} never ends: ${waits} calls and pauses`),
    );
    const nowMs = () => this.scheduler.nowMs;
    this.#onTheWay = new OnTheWay(nowMs, (what) => this.violate(what));
    this.model = new TableModel({
      nowMs,
      lagMs: () => this.#lagMs(),
      onWritten: (key, item) => {
        if (key.sk === 'LEDGER#HEAD') this.#onTheWay.noteDisputes(item);
        if (item['state'] !== 'pending') return;
        const name = parseNoticeKey(key);
        if (name !== null) this.onNotice(name);
      },
    });
    this.double = new Double({ realMs: nowMs, random: () => 0.5 });
    this.#drawSwitches();
    const line = stripeLine(
      this.double,
      this.scheduler,
      (method, path, outcome) => {
        this.#noteCall(() => `stripe ${method} ${path.split('?')[0]} → ${outcome}`);
        this.publishEvents();
      },
      (actor, method) => this.#isOutFor(actor, method),
    );
    this.dashboard = openStripe({ secretKey: SECRET_KEY, apiBase: null }, line);
    this.deps = {
      stage: 'simulation',
      keyCallsPerMinute: 0,
      table: faultyTable(
        this.model,
        this.scheduler,
        (request, outcome) => {
          this.#noteCall(() => `store ${described(request)} → ${outcome}`);
        },
        (error) => this.violate(textOf(error)),
      ),
      now: () => new Date(this.scheduler.nowMs),
      random: () => this.#random.next(),
      randomBytes: (size) => this.#random.bytes(size),
      sleep: (ms) => this.scheduler.wait(ms),
      stripe: async () => {
        if (this.#port === null) throw new Error('the world is not open yet');
        return this.#port;
      },
      report: (happened) => {
        if (happened.kind === 'paid_above_limit') this.lateCustomers.add(happened.customerId);
        this.#onTheWay.expectNoAddress(happened);
      },
    };
    this.calmDeps = { ...this.deps, table: modelTable(this.model) };
    this.#connect = async () => {
      const { price } = await ensureProPrice(this.dashboard);
      this.#port = stripePort({ secretKey: SECRET_KEY, proPriceId: price.id, apiBase: null }, line);
    };
  }

  readonly #connect: () => Promise<void>;

  /** Draws the behaviour that Stripe's documentation leaves open, for each episode. */
  #drawSwitches(): void {
    const random = this.random('switches');
    const drawn = Object.fromEntries(
      SWITCH_NAMES.map((name) => [name, random.pick<string>(SWITCHES[name].values)]),
    );
    const { state } = this.double;
    state.switches = { ...state.switches, ...withoutUndefined(switchesSchema.parse(drawn)) };
  }

  /** Creates the price, and connects the service to the double. */
  async open(): Promise<void> {
    await this.#connect();
    this.publishEvents();
  }

  /**
   * Starts an actor at a time, for a maximum number of seconds. The trace shows its outcome. An outcome that
   * the service must not have is a violation.
   */
  begin(
    { name, atMs, seconds, faulty = true, isAtStripe = false }: ActorOptions,
    work: () => Promise<string>,
  ): void {
    const actor: Actor = {
      name,
      random: this.random(`actor ${name}`),
      faults: this.#faulty && faulty && !this.isCalm ? ratesOf(this.random(`rates ${name}`)) : null,
      deadlineMs: atMs + seconds * 1_000,
      patience: seconds <= REQUEST_SECONDS ? MAX_WAITS : Number.POSITIVE_INFINITY,
      waits: 0,
      isDead: false,
      isAtStripe,
    };
    this.scheduler.spawn(actor, atMs, async () => {
      this.operations += 1;
      try {
        this.note(await work());
      } catch (error) {
        if (isExpectedError(error)) this.note(`✗ ${error.message}`);
        else this.violate(`${name}: ${textOf(error)}`);
      }
    });
  }

  /** Schedules something outside of the service. Not counted as an operation, and has no faults. */
  at(name: string, atMs: number, happen: () => void): void {
    const actor: Actor = {
      name,
      random: new Random(name),
      faults: null,
      deadlineMs: Number.POSITIVE_INFINITY,
      patience: Number.POSITIVE_INFINITY,
      waits: 0,
      isDead: false,
      isAtStripe: true,
    };
    this.scheduler.spawn(actor, atMs, async () => happen());
  }

  random(name: string): Random {
    return new Random(`${this.#episode} ${name.replaceAll(STRIPE_ID, '$1')}`);
  }

  note(what: string, actor: Actor | undefined = this.scheduler.actor): void {
    if (!this.#traced) return;
    this.trace.push({
      atMs: Math.round(this.scheduler.nowMs - START),
      actor: abbreviated(actor?.name ?? '·'),
      what: abbreviated(what),
    });
  }

  /** Adds a call to the trace, except for the calls of the final checks. */
  #noteCall(call: () => string): void {
    if (this.#traced && !this.scheduler.actor?.name.startsWith('calm')) this.note(call());
  }

  /** Records a violation for each of these errors of a schedule that no fault explains. */
  violateDefects(errors: readonly unknown[]): void {
    const left = forPeople(this.double.state);
    for (const error of errors) {
      if (error instanceof ReturnNeedsPerson && left.has(error.paymentIntentId)) continue;
      if (!isExpectedError(error)) this.violate(textOf(error));
    }
  }

  violate(what: string): void {
    this.violations.push(what);
    this.note(`VIOLATION ${what}`);
  }

  /** Runs Stripe's due scheduled work, and publishes its events. */
  tick(): void {
    this.double.catchUp();
    this.publishEvents();
  }

  /** Passes on the events since the last call. */
  publishEvents(): void {
    const { events } = this.double.state;
    const fresh = events.size - this.#seenEvents;
    if (fresh === 0) return;
    this.#seenEvents = events.size;
    for (const event of events.newestFirst.slice(0, fresh).toReversed()) {
      const cause = event.request?.id === null ? 'clock' : (this.scheduler.actor?.name ?? 'people');
      const base = `${cause}/${event.type}`;
      const nth = (this.#causes.get(base) ?? 0) + 1;
      this.#causes.set(base, nth);
      this.#onTheWay.expectUndisputed(event);
      this.onEvent(event, nth === 1 ? base : `${base}/${nth}`);
    }
  }

  #isOutFor({ isAtStripe }: Actor, method: string): boolean {
    const { untilMs, writesOnly } = this.outage;
    if (isAtStripe || this.isCalm || (writesOnly && method === 'GET')) return false;
    return this.scheduler.nowMs < untilMs;
  }

  get #random(): Random {
    const { actor } = this.scheduler;
    if (actor === undefined) throw new Error('a random value was drawn outside of an actor');
    return actor.random;
  }

  #lagMs(): number {
    if (this.isCalm || !this.#faulty) return 0;
    return this.#lag.chance(0.9) ? this.#lag.int(0, 200) : this.#lag.int(200, MAX_LAG_MS);
  }
}

/** Most actors meet no faults, some meet a few, and few meet many. */
function ratesOf(random: Random): FaultRates | null {
  const kind = random.next();
  if (kind < 0.55) return null;
  if (kind < 0.88) return { crash: 0.004, store: 0.03, stripe: 0.08, isContended: false };
  if (kind < 0.98) return { crash: 0.03, store: 0.12, stripe: 0.35, isContended: false };
  return { crash: 0, store: 0, stripe: 0, isContended: true };
}

const textOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);

/** Errors that faults explain. Settings and code are right here, so other errors are violations. */
const isExpectedError = (error: unknown): error is Error =>
  error instanceof MailFault ||
  error instanceof StripeFault ||
  error instanceof Stripe.errors.StripeError ||
  error instanceof Refusal ||
  (error instanceof BillingError && !DEFECTS.has(error.code));

const DEFECTS: ReadonlySet<string> = new Set([
  'internal_error',
  'payments_misconfigured',
  'customer_not_found',
]);
