import { DEED_KINDS, DEEDS, type DeedKind } from './people/deeds.ts';
import { Random } from './random.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const LONG_MS = 50 * 24 * HOUR_MS;

/** What customers, operators and schedules do, with the weight of each. */
const OWN_WEIGHTS = {
  onboard: 3,
  record: 14,
  bill: 40,
  add_card: 10,
  subscribe: 4,
  subscribe_on_page: 5,
  approve: 3,
  come_back: 3,
  keep_pro: 1,
  cancel: 3,
  issue_key: 3,
  revoke_key: 2,
  adjust: 4,
  drain: 10,
  notice_settings: 1,
  spending_limit: 2,
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

/** Starts at a fixed time, independent of other steps. Its randomness depends only on its name. */
export interface Step {
  readonly name: string;
  readonly atMs: number;
  readonly kind: StepKind;
  /** The number of the customer. */
  readonly slot: number;
  /** Whether faults can occur in this step. */
  readonly faulty: boolean;
}

export const SLOTS = 6;
/** Steps of an episode, by default. */
export const STEPS = 400;
/** The steps directly before the long gap. */
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
/** The probability that a step is about the same customer as the step before. */
const STAYS = 0.75;

/** The steps of an episode. The first steps sign up the customers. */
export function planOf(episode: string, steps: number): Step[] {
  const random = new Random(`${episode} plan`);
  const plan: Step[] = [];
  let atMs = 0;
  let slot = 0;
  // Some episodes are long and have renewals. The others are short and have more concurrency.
  const isLong = random.chance(0.4);
  const half = Math.floor(steps / 2);
  for (let i = 0; i < steps; i++) {
    // One gap is longer than a billing period, so that renewals happen and keys expire.
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

/** Steps around the long gap: pauses of collection before it, fixes paid by card after it. */
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
