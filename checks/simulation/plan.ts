import { DEED_KINDS, DEEDS, type DeedKind } from './people/deeds.ts';
import { Random } from './random.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const LONG_MS = 50 * 24 * HOUR_MS;

/** What customers, operators and schedules do, each as often as its weight says. */
const OWN_WEIGHTS = {
  onboard: 3,
  record: 14,
  bill: 40,
  add_card: 10,
  subscribe: 6,
  cancel: 3,
  issue_key: 2,
  revoke_key: 1,
  adjust: 4,
  drain: 10,
  notice_settings: 1,
  close_customer: 0.7,
  settle: 5,
  warn: 2,
  reconcile: 1,
  replay_parked: 1,
  resend_notices: 1,
} as const;

export type StepKind = keyof typeof OWN_WEIGHTS | DeedKind;

const WEIGHTS: Readonly<Partial<Record<StepKind, number>>> = {
  ...OWN_WEIGHTS,
  ...Object.fromEntries(DEED_KINDS.map((kind) => [kind, DEEDS[kind].weight])),
};

/** Something that begins at a time, whatever the others do: what it is about follows from its own name alone. */
export interface Step {
  readonly name: string;
  readonly atMs: number;
  readonly kind: StepKind;
  /** Which of the customers. */
  readonly slot: number;
  /** Without them it meets no fault. */
  readonly faulty: boolean;
}

export const SLOTS = 6;
/** Steps of an episode, by default. */
export const STEPS = 400;
/** Before and after that long gap. */
const BEFORE: readonly StepKind[] = [
  'subscribe_by_hand',
  'subscribe_by_hand',
  'subscribe_by_hand',
  'pause_collection',
  'pause_collection',
  'pause_collection',
  'pause_collection',
];
const AFTERWARDS: readonly StepKind[] = ['add_card', 'drain', 'bill', 'bill'];
const ROUNDS = 4;
/** Two of a kind that follow each other are about the same customer so often. */
const STAYS = 0.75;

/** What is going to happen in an episode. The first steps sign the customers up. */
export function planOf(episode: string, steps: number): Step[] {
  const random = new Random(`${episode} plan`);
  const plan: Step[] = [];
  let atMs = 0;
  let slot = 0;
  // Some episodes see renewals, the others see more happen at once.
  const isLong = random.chance(0.4);
  const half = Math.floor(steps / 2);
  for (let i = 0; i < steps; i++) {
    // Once, a period and more goes by: renewals, and keys that are forgotten.
    const gap = isLong && i === half ? LONG_MS : gapMs(random, isLong);
    atMs += gap;
    if (!random.chance(STAYS)) slot = random.int(0, SLOTS - 1);
    const drawn = random.weighted<StepKind>(WEIGHTS);
    const around = isLong ? aroundGap(i - half) : null;
    const kind = i < SLOTS ? 'onboard' : (around ?? drawn);
    plan.push({ name: `${i}`, atMs, kind, slot: i < SLOTS ? i : slot, faulty: i >= SLOTS });
    if (gap > 5 * MINUTE_MS) plan.push({ name: `${i}s`, atMs: atMs + 1, kind: 'settle', slot, faulty: true });
  }
  return plan;
}

/** Subscriptions that collect nothing go through that time, and afterwards fixes are paid by card. */
function aroundGap(after: number): StepKind | null {
  if (after < 0) return BEFORE[BEFORE.length + after] ?? null;
  if (after <= 0 || after > AFTERWARDS.length * ROUNDS) return null;
  return AFTERWARDS[after % AFTERWARDS.length] ?? null;
}

function gapMs(random: Random, isLong: boolean): number {
  const kind = random.next();
  if (kind < 0.72) return random.int(0, 40);
  if (kind < 0.93) return random.int(40, 6 * SECOND_MS);
  if (kind < 0.985) return random.int(6 * SECOND_MS, 10 * MINUTE_MS);
  if (kind < (isLong ? 0.99 : 0.998)) return random.int(10 * MINUTE_MS, 8 * HOUR_MS);
  return random.int(8 * HOUR_MS, (isLong ? 16 : 2) * 24 * HOUR_MS);
}
