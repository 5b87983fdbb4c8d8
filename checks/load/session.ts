import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod/mini';
import { localDeps } from '../../cli/stage/local-deps.ts';
import { readServerlessFile } from '../../cli/stage/serverless-file.ts';
import { adjustCredits } from '../../lib/operations/ledger/adjust-credits.ts';
import type { SetupError } from '../../lib/settings/setup-error.ts';
import { Random } from '../simulation/random.ts';
import { Arrivals } from './arrivals.ts';
import { Cannon } from './cannon.ts';
import { Outages } from './outages.ts';
import { PersonAtStripe } from './person-at-stripe.ts';
import type { LoadOptions, LoadResult } from './run-of-load.ts';
import { Sender } from './sender.ts';
import { OwnStack, type Target } from './stack.ts';
import { Tally } from './tally.ts';
import { verify } from './verify.ts';
import { Webhooks } from './webhooks.ts';
import { type Plan, World } from './world.ts';

/** The customers at the start of the load, by plan. */
const CAST = { rich: 2, trial: 4, card: 4, pro: 3, refused: 2 } as const satisfies Record<Plan, number>;
const ARE_RICH = 100_000;
const CREDITS_WITH_CARD = 10;
const CREDITS_WITH_PRO = 70;
const LOOK_EVERY_MS = 2_000;
const AGAIN_AFTER_MS = 500;
const MAX_CARD_TRIES = 400;
/** A stack that started late serves at least this long before the next kill. */
const MIN_UP_MS = 10_000;
const BUSY_CALLS = 6;
const BUSY_WITHIN_MS = 3_000;
const CALL_TAKES_MS = 60;
const FIND_OUT_MS = 300;
const CONTROL_WITHIN_MS = 10_000;

const Card = z.object({ payment_method: z.string() });

/** One run: creates customers, applies the load until the time is up, then verifies everything. */
export class Session {
  readonly #target: Target;
  readonly #options: LoadOptions;
  readonly #run: string;
  readonly #outages = new Outages();
  readonly #tally = new Tally(this.#outages);
  readonly #random: Random;
  readonly #world: World;
  readonly #webhooks: Webhooks;
  readonly #sender: Sender;
  readonly #arrivals: Arrivals;
  readonly #atStripe: PersonAtStripe;
  readonly #cannons: readonly Cannon[];
  /** Aborted when the stack is gone. */
  readonly #failure = new AbortController();

  constructor(target: Target, options: LoadOptions) {
    const { seed, rate, webhooksPerMinute } = options;
    this.#target = target;
    this.#options = options;
    this.#run = `${seed}${Date.now().toString(36)}`;
    this.#random = new Random(`${seed} kills`);
    this.#world = new World(new Random(`${seed} calls`));
    this.#webhooks = new Webhooks(new Random(`${seed} webhooks`), this.#run);
    this.#sender = new Sender(target.url, this.#tally, this.#failure.signal);
    this.#arrivals = new Arrivals({
      world: this.#world,
      sender: this.#sender,
      random: new Random(`${seed} sign-ups`),
      newCard: (plan) => this.#newCard(plan),
      run: this.#run,
      onFault: (what) => this.#tally.blame(what),
    });
    this.#atStripe = new PersonAtStripe({
      world: this.#world,
      random: new Random(`${seed} deeds`),
      settings: () => target.current().stripe,
      control: (path, input) => this.#control(path, input),
      outages: this.#outages,
      tally: this.#tally,
    });
    const { url } = target;
    const tally = this.#tally;
    const { stripe } = target.current();
    const perSecond = Math.ceil(webhooksPerMinute / 60);
    this.#cannons = [
      ...(rate > 0 ? [new Cannon({ url, tally, perSecond: rate, next: () => this.#world.next() })] : []),
      ...(perSecond > 0
        ? [new Cannon({ url, tally, perSecond, next: () => this.#webhooks.next(stripe) })]
        : []),
    ];
  }

  /** Ends the run because the stack is gone and nothing can be verified. */
  fail(why: SetupError): void {
    this.#failure.abort(why);
  }

  /** @throws SetupError when the stack is gone; Error when the first customers cannot be created */
  async run(): Promise<LoadResult> {
    const { onStep, seconds } = this.#options;
    onStep('signing up the first customers');
    if (seconds > 0) await this.#signUpFirst();
    const startedMs = performance.now();
    if (seconds > 0) await this.#load();
    const lasted = (performance.now() - startedMs) / 1_000;
    const verified = await verify({
      stack: this.#target.current(),
      world: this.#world,
      webhooks: this.#webhooks,
      run: `load-${this.#run}`,
      onStep,
    });
    return {
      seconds: Math.round(lasted),
      calls: this.#tally.results(),
      kills: this.#outages.all,
      explained: Object.fromEntries(this.#tally.explained),
      deeds: Object.fromEntries(this.#tally.deeds),
      unexplained: { count: this.#tally.unexplainedCount, named: this.#tally.unexplained },
      verified,
    };
  }

  async #signUpFirst(): Promise<void> {
    await this.#control('webhooks', { duplicates: 1, shuffle: true });
    for (const plan of ['trial', 'card', 'pro', 'refused'] as const) {
      for (let n = 0; n < CAST[plan]; n++) await this.#arrivals.arrive(plan);
    }
    for (let n = 0; n < CAST.rich; n++) await this.#arrivals.arrive('trial', 'rich');
    for (const { id, plan } of this.#world.people) {
      if (plan === 'rich') await this.#give(id, ARE_RICH);
      // Without credits, every fix is charged from the first one.
      if (plan === 'card' || plan === 'refused') await this.#give(id, -CREDITS_WITH_CARD);
      if (plan === 'pro') await this.#give(id, -CREDITS_WITH_PRO);
    }
    this.#failure.signal.throwIfAborted();
    await this.#webhooks.fetchNew(this.#target.current().stripe);
    if (this.#webhooks.known === 0 || this.#world.people.length === 0) {
      throw new Error(`no sign-up succeeded: ${this.#tally.unexplained.join('\n')}`);
    }
  }

  /** Adjusts credits as an operator would. */
  async #give(customerId: string, amount: number): Promise<void> {
    const { endpoint } = this.#target.current();
    const deps = localDeps(endpoint, readServerlessFile().tableName);
    try {
      const why = { reason: 'load', actor: 'load', idempotencyKey: 'load' };
      await adjustCredits(deps, customerId, { amount, ...why });
    } finally {
      deps.table.client.destroy();
    }
  }

  async #load(): Promise<void> {
    const { seconds, signUpsPerMinute, signal } = this.#options;
    const over = AbortSignal.any([signal, this.#failure.signal, AbortSignal.timeout(seconds * 1_000)]);
    this.#failure.signal.throwIfAborted();
    for (const cannon of this.#cannons) cannon.start();
    const arrivals = this.#arrivals.run(signUpsPerMinute, over);
    await Promise.all([
      this.#killing(over),
      this.#fetchEvents(over),
      this.#atStripe.work(this.#options.deedsPerMinute, over),
      this.#reportProgress(over),
    ]);
    this.#options.onStep('ending the load');
    for (const cannon of this.#cannons) await cannon.stop();
    await arrivals;
    this.#failure.signal.throwIfAborted();
    const repeats = this.#cannons.flatMap((cannon) => cannon.takeRepeats());
    await Promise.all(repeats.map((call) => this.#sender.send(call)));
    await this.#control('webhooks', { duplicates: 0, shuffle: false });
  }

  /** Kills the service and everything by turns, until the load ends. */
  async #killing(over: AbortSignal): Promise<void> {
    const { killEvery } = this.#options;
    const stack = this.#target;
    if (killEvery === null || !(stack instanceof OwnStack)) return;
    let nextMs = performance.now() + killEvery * 1_000;
    for (let kills = 0; ; kills++) {
      await sleep(nextMs - performance.now(), over);
      if (over.aborted) return;
      await this.#untilBusy(over);
      if (over.aborted) return;
      const what = kills % 2 === 0 ? 'service' : 'everything';
      this.#outages.begin(what);
      await Promise.all([stack.kill(what), this.#findOut()]);
      await stack.startAgain();
      this.#outages.end();
      if (over.aborted) return;
      for (const cannon of this.#cannons) cannon.start();
      while (nextMs < performance.now() + MIN_UP_MS) nextMs += killEvery * 1_000;
    }
  }

  /** Lets clients see the outage briefly, then stops them: autocannon reconnects without a pause. */
  async #findOut(): Promise<void> {
    await delay(FIND_OUT_MS);
    await Promise.all(this.#cannons.map((cannon) => cannon.stop()));
  }

  /** Waits for calls in flight and a random moment within them: killing an idle service proves nothing. */
  async #untilBusy(over: AbortSignal): Promise<void> {
    const deadline = performance.now() + BUSY_WITHIN_MS;
    const busy = () => this.#cannons.reduce((sum, cannon) => sum + cannon.busy, 0);
    while (busy() < BUSY_CALLS && performance.now() < deadline && !over.aborted) await sleep(1, over);
    await sleep(this.#random.int(0, CALL_TAKES_MS), over);
  }

  /** Fetches Stripe's new events regularly. */
  async #fetchEvents(over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      await sleep(LOOK_EVERY_MS, over);
      if (this.#outages.isOpen) continue;
      const before = this.#outages.all.length;
      try {
        await this.#webhooks.fetchNew(this.#target.current().stripe);
      } catch (error) {
        if (this.#outages.all.length === before)
          this.#tally.blame(`Stripe did not list its events: ${error}`);
      }
    }
  }

  /** Reports the progress every second. */
  async #reportProgress(over: AbortSignal): Promise<void> {
    const startedMs = performance.now();
    let before = this.#tally.answered;
    while (!over.aborted) {
      await sleep(1_000, over);
      const { answered, webhooks, unexplainedCount } = this.#tally;
      const elapsed = Math.round((performance.now() - startedMs) / 1_000);
      const state = this.#outages.isOpen ? 'DOWN, restarting' : `${answered - before} answers a second`;
      const kills = this.#outages.all.length;
      this.#options.onStep(
        `${elapsed} of ${this.#options.seconds} s · ${state} · ${answered} answered, ${webhooks} of them webhooks · ` +
          `${this.#world.people.length} customers, ${this.#world.fixes.length} fixes` +
          `${kills > 0 ? ` · killed ${kills} times` : ''} · ${unexplainedCount} unexplained`,
      );
      before = answered;
    }
  }

  async #newCard(plan: Plan): Promise<string> {
    const behavesLike = plan === 'refused' ? 'chargeCustomerFail' : 'visa';
    for (let tries = 1; ; tries++) {
      const before = this.#outages.all.length;
      try {
        return Card.parse(await this.#control('cards', { behavesLike })).payment_method;
      } catch (error) {
        const isExplained = this.#outages.isOpen || this.#outages.all.length > before;
        if (!isExplained || tries === MAX_CARD_TRIES) throw error;
        await delay(AGAIN_AFTER_MS);
      }
    }
  }

  /** Calls a control of the Stripe stand-in. @throws Error if the call fails, or Stripe is not a stand-in */
  async #control(path: string, input: object): Promise<unknown> {
    const { apiBase } = this.#target.current().stripe;
    if (apiBase === undefined) throw new Error('this load needs the Stripe double');
    const response = await fetch(`${apiBase}/_double/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(input),
      signal: AbortSignal.timeout(CONTROL_WITHIN_MS),
    });
    if (!response.ok) throw new Error(`the Stripe double answered ${response.status} to ${path}`);
    return response.json();
  }
}

const sleep = (ms: number, signal: AbortSignal): Promise<void> =>
  delay(Math.max(0, ms), undefined, { signal }).catch(() => {});
