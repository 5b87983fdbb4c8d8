import { findViolations } from './checks/violations.ts';
import {
  addCard,
  adjust,
  bill,
  cancel,
  close,
  drain,
  issue,
  onboard,
  record,
  revoke,
  setLimit,
  setNotices,
  subscribe,
} from './commands.ts';
import { Deliveries } from './deliveries.ts';
import { approve, comeBack, keepPro, subscribeOnPage } from './page-commands.ts';
import { DEEDS, type DeedKind, isDeed } from './people/deeds.ts';
import type { Step } from './plan.ts';
import { reconcileOnce, replayParked, resendAll, settle, warn } from './schedules.ts';
import { type Slot, START, World } from './world.ts';

const MINUTE_MS = 60 * 1_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** How often Stripe's scheduled work runs, also without a request. */
const STRIPE_TICKS_MS = DAY_MS / 4;
const API_SECONDS = 28;
const OPERATOR_SECONDS = 60;
const SCHEDULE_SECONDS = 240;
const RECONCILE_SECONDS = 870;
/** After the faults stop, work that a few rounds do not finish is never finished. */
const MAX_ROUNDS = 12;

export interface EpisodeResult {
  readonly violations: readonly string[];
  readonly operations: number;
  readonly world: World;
}

/**
 * Runs a plan, then finishes all open work without faults, and returns the violations. Deterministic: the
 * same plan gives the same result.
 */
export async function runEpisode(
  episode: string,
  plan: readonly Step[],
  { traced = false, faulty = true } = {},
): Promise<EpisodeResult> {
  const world = new World({ episode, traced, faulty });
  const deliveries = new Deliveries(world);
  await world.open();
  for (const step of plan) begin(world, step);
  const endMs = START + (plan.at(-1)?.atMs ?? 0);
  for (let atMs = START; atMs < endMs; atMs += STRIPE_TICKS_MS) world.at('tick', atMs, () => world.tick());
  await world.scheduler.run();
  await settleDown(world, deliveries);
  for (const violation of await findViolations(world)) world.violate(violation);
  return { violations: world.violations, operations: world.operations, world };
}

function begin(world: World, step: Step): void {
  const { name, kind } = step;
  const atMs = START + step.atMs;
  const activity = work(world, step);
  const faulty = step.faulty && activity.meetsFaults;
  world.begin({ name: `${name} ${kind}`, atMs, faulty, ...activity }, activity.run);
  const again = world.random(`again ${name}`);
  if (activity.canRepeat && again.chance(0.35)) {
    const laterMs = atMs + again.int(0, again.chance(0.5) ? 50 : 40_000);
    world.begin({ name: `${name}² ${kind}`, atMs: laterMs, faulty, ...activity }, activity.run);
  }
}

interface Activity {
  readonly seconds: number;
  /** Sent by a client, which may send it again without waiting for the answer. */
  readonly canRepeat: boolean;
  /** False for work on Stripe's own pages. */
  readonly meetsFaults: boolean;
  readonly isAtStripe?: true;
  readonly run: () => Promise<string>;
}

function work(world: World, { name, kind, slot: index }: Step): Activity {
  const slot = slotOf(world, index);
  const random = () => world.random(`step ${name}`);
  const requested = (command: typeof bill): Activity => ({
    seconds: API_SECONDS,
    canRepeat: true,
    meetsFaults: true,
    run: () => command(world, slot, random()),
  });
  const atStripe = (deed: DeedKind): Activity => ({
    seconds: OPERATOR_SECONDS,
    canRepeat: false,
    meetsFaults: false,
    isAtStripe: true,
    run: async () => {
      const done = await DEEDS[deed].deed(world, random());
      if (done !== null) world.deeds.add(deed);
      world.publishEvents();
      return done ?? 'nothing to do';
    },
  });
  const scheduled = (run: () => Promise<string>, seconds = SCHEDULE_SECONDS): Activity => ({
    seconds,
    canRepeat: false,
    meetsFaults: true,
    run: () => {
      world.tick();
      return run();
    },
  });
  if (isDeed(kind)) return atStripe(kind);
  switch (kind) {
    case 'onboard':
      return requested(onboard);
    case 'record':
      return requested(record);
    case 'bill':
      return requested(bill);
    case 'add_card':
      return requested(addCard);
    case 'subscribe':
      return requested(subscribe);
    case 'subscribe_on_page':
      return requested(subscribeOnPage);
    case 'approve':
      return requested(approve);
    case 'come_back':
      return requested(comeBack);
    case 'keep_pro':
      return requested(keepPro);
    case 'cancel':
      return requested(cancel);
    case 'issue_key':
      return requested(issue);
    case 'revoke_key':
      return requested(revoke);
    case 'adjust':
      return requested(adjust);
    case 'drain':
      return requested(drain);
    case 'notice_settings':
      return requested(setNotices);
    case 'spending_limit':
      return requested(setLimit);
    case 'close_customer':
      return { ...requested(close), seconds: OPERATOR_SECONDS };
    case 'settle':
      return scheduled(() => settle(world));
    case 'warn':
      return scheduled(() => warn(world));
    case 'reconcile':
      return scheduled(() => reconcileOnce(world, `run-${name}`), RECONCILE_SECONDS);
    case 'replay_parked':
      return scheduled(() => replayParked(world), OPERATOR_SECONDS);
    case 'resend_notices':
      return scheduled(() => resendAll(world), OPERATOR_SECONDS);
    default:
      return kind satisfies never;
  }
}

function slotOf({ slots }: World, index: number): Slot {
  const known = slots.get(index);
  if (known !== undefined) return known;
  const slot: Slot = { email: `customer-${index}@customer.example`, customerId: null, keyIds: [] };
  slots.set(index, slot);
  return slot;
}

/** Runs every schedule without faults until no work is open. */
async function settleDown(world: World, deliveries: Deliveries): Promise<void> {
  world.isCalm = true;
  const { scheduler } = world;
  const alone = async (name: string, seconds: number, run: () => Promise<string>) => {
    world.begin({ name, atMs: scheduler.nowMs, seconds, faulty: false }, run);
    await scheduler.run();
  };
  for (let round = 0; round < MAX_ROUNDS; round++) {
    // The service leaves claims and new work alone for two minutes, and keys expire after a day.
    scheduler.skip(round === MAX_ROUNDS / 2 ? 2 * DAY_MS : 10 * MINUTE_MS);
    world.tick();
    deliveries.redeliver();
    await scheduler.run();
    await alone(`calm settle ${round}`, SCHEDULE_SECONDS, () => settle(world));
    await alone(`calm warn ${round}`, SCHEDULE_SECONDS, () => warn(world));
    await alone(`calm replay ${round}`, OPERATOR_SECONDS, () => replayParked(world));
    await alone(`calm resend ${round}`, OPERATOR_SECONDS, () => resendAll(world));
    if (isQuiet(world, deliveries)) break;
  }
  await alone('calm reconcile', RECONCILE_SECONDS, async () => {
    const summary = await reconcileOnce(world, 'last');
    if (!/^finished: drift 0,/.test(summary)) world.violate(`the last reconciliation: ${summary}`);
    return summary;
  });
}

function isQuiet({ model }: World, { undelivered }: Deliveries): boolean {
  if (undelivered.size > 0) return false;
  for (const { due } of model.items()) if (due !== undefined && due !== 'parked') return false;
  return true;
}
