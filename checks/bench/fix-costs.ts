import type { CallCost, Cost } from './counted/results.ts';
import { callDollars, logDollars, tableDollars, traceDollars } from './prices.ts';

/** Assumed, not measured: the duration of a call on Lambda, in milliseconds. */
export const ASSUMED_MS = 30;
/** With a Stripe call that moves money. The next one is with a Stripe call that only reads. */
export const ASSUMED_MS_CHARGING = 1_000;
export const ASSUMED_MS_ASKING = 300;

interface Step {
  readonly call: string;
  readonly assumedMs: number;
}

const RECORDED: readonly Step[] = [
  { call: 'record a fix', assumedMs: ASSUMED_MS },
  { call: 'find a fix', assumedMs: ASSUMED_MS },
];
/** The usual life of a fix. */
export const FROM_CREDITS = 'recorded, looked up, billed from credits';
const LIVES: readonly { readonly what: string; readonly steps: readonly Step[] }[] = [
  {
    what: 'billed from credits, nothing else',
    steps: [{ call: 'bill a fix from credits', assumedMs: ASSUMED_MS }],
  },
  {
    what: FROM_CREDITS,
    steps: [...RECORDED, { call: 'bill a fix from credits', assumedMs: ASSUMED_MS }],
  },
  {
    what: 'recorded, looked up, billed by card, and its event',
    steps: [
      ...RECORDED,
      { call: 'bill a fix by card', assumedMs: ASSUMED_MS_CHARGING },
      { call: 'webhook: a fix is paid', assumedMs: ASSUMED_MS_ASKING },
    ],
  },
];

/** The costs of a million fixes, in US dollars. */
export interface FixCost {
  readonly what: string;
  readonly readUnits: number;
  readonly writeUnits: number;
  readonly table: number;
  /** Gateway and functions. */
  readonly around: number;
  /** Logs and traces. */
  readonly logs: number;
}

/** @throws Error for a call that was not measured */
export function fixCosts(calls: readonly CallCost[]): FixCost[] {
  return LIVES.map(({ what, steps }) => {
    const costs = steps.map(({ call }) => costOfCall(calls, call).cost);
    const total = (of: (cost: Cost) => number) => costs.reduce((sum, cost) => sum + of(cost), 0);
    const [readUnits, writeUnits] = [total((cost) => cost.readUnits), total((cost) => cost.writeUnits)];
    return {
      what,
      readUnits,
      writeUnits,
      table: tableDollars({ readUnits, writeUnits }),
      around: steps.reduce((sum, { assumedMs }) => sum + callDollars(assumedMs), 0),
      logs: total((cost) => logDollars(cost) + traceDollars()),
    };
  });
}

/** @throws Error for a call that was not measured */
export function costOfCall(calls: readonly CallCost[], wanted: string): CallCost {
  const found = calls.find(({ what }) => what === wanted);
  if (found === undefined) throw new Error(`no measured cost: ${wanted}`);
  return found;
}
