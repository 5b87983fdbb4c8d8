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
  setNotices,
  subscribe,
} from './commands.ts';
import { Deliveries } from './deliveries.ts';
import { DEEDS, type DeedKind, isDeed } from './people/deeds.ts';
import type { Step } from './plan.ts';
import { reconcileOnce, replayParked, resendAll, settle, warn } from './schedules.ts';
import { type Slot, START, World } from './world.ts';

const MINUTE_MS = 60 * 1_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** What Stripe does by itself it does in time, whether it is asked for anything or not. */
const STRIPE_TICKS_MS = DAY_MS / 4;
const API_SECONDS = 28;
const OPERATOR_SECONDS = 60;
const SCHEDULE_SECONDS = 240;
const RECONCILE_SECONDS = 870;
/** What is left when the faults have stopped is done in a few rounds, or never. */
const MAX_ROUNDS = 12;

export interface EpisodeResult {
  readonly violations: readonly string[];
  readonly operations: number;
  readonly world: World;
}

/** Lets a plan happen, then lets everything come to rest, and says what does not hold. The same plan, the same end. */
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
  const doing = work(world, step);
  const faulty = step.faulty && doing.meetsFaults;
  world.begin({ name: `${name} ${kind}`, atMs, faulty, ...doing }, doing.run);
  const again = world.random(`again ${name}`);
  if (doing.isAsked && again.chance(0.35)) {
    const laterMs = atMs + again.int(0, again.chance(0.5) ? 50 : 40_000);
    world.begin({ name: `${name}² ${kind}`, atMs: laterMs, faulty, ...doing }, doing.run);
  }
}

interface Doing {
  readonly seconds: number;
  /** By a client that asks again when it has not heard, or is impatient. */
  readonly isAsked: boolean;
  /** Stripe's dashboard is Stripe's. */
  readonly meetsFaults: boolean;
  readonly isAtStripe?: true;
  readonly run: () => Promise<string>;
}

function work(world: World, { name, kind, slot: index }: Step): Doing {
  const slot = slotOf(world, index);
  const random = () => world.random(`step ${name}`);
  const asked = (command: typeof bill): Doing => ({
    seconds: API_SECONDS,
    isAsked: true,
    meetsFaults: true,
    run: () => command(world, slot, random()),
  });
  const done = (deed: DeedKind): Doing => ({
    seconds: OPERATOR_SECONDS,
    isAsked: false,
    meetsFaults: false,
    isAtStripe: true,
    run: async () => {
      const told = await DEEDS[deed].deed(world, random());
      if (told !== null) world.deeds.add(deed);
      world.tellEvents();
      return told ?? 'nothing to do';
    },
  });
  const scheduled = (run: () => Promise<string>, seconds = SCHEDULE_SECONDS): Doing => ({
    seconds,
    isAsked: false,
    meetsFaults: true,
    run: () => {
      world.tick();
      return run();
    },
  });
  if (isDeed(kind)) return done(kind);
  switch (kind) {
    case 'onboard':
      return asked(onboard);
    case 'record':
      return asked(record);
    case 'bill':
      return asked(bill);
    case 'add_card':
      return asked(addCard);
    case 'subscribe':
      return asked(subscribe);
    case 'cancel':
      return asked(cancel);
    case 'issue_key':
      return asked(issue);
    case 'revoke_key':
      return asked(revoke);
    case 'adjust':
      return asked(adjust);
    case 'drain':
      return asked(drain);
    case 'notice_settings':
      return asked(setNotices);
    case 'close_customer':
      return { ...asked(close), seconds: OPERATOR_SECONDS };
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

/** Nothing goes wrong any more: what was left open is taken up, as often as the schedules would. */
async function settleDown(world: World, deliveries: Deliveries): Promise<void> {
  world.isCalm = true;
  const { scheduler } = world;
  const alone = async (name: string, seconds: number, run: () => Promise<string>) => {
    world.begin({ name, atMs: scheduler.nowMs, seconds, faulty: false }, run);
    await scheduler.run();
  };
  for (let round = 0; round < MAX_ROUNDS; round++) {
    // Claims and young work are left alone for two minutes; keys are forgotten after a day.
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
    const said = await reconcileOnce(world, 'last');
    if (!/^finished: drift 0,/.test(said)) world.violate(`the last reconciliation: ${said}`);
    return said;
  });
}

function isQuiet({ model }: World, { untaken }: Deliveries): boolean {
  if (untaken.size > 0) return false;
  for (const { due } of model.items()) if (due !== undefined && due !== 'parked') return false;
  return true;
}
