import { setTimeout as delay } from 'node:timers/promises';
import { eachConcurrently } from '../../lib/operations/work/each-concurrently.ts';
import { type GuardedProcess, startGuarded } from '../../local/stack/guarded-process.ts';
import { freePort } from '../../local/stack/ports.ts';
import type { Step } from '../steps.ts';

const LANES = 2;
const HEARTBEAT_MS = 60_000;
const STOP_GRACE_MS = 5_000;
const MS_IN_MINUTE = 60_000;

export interface Outcome {
  readonly step: Step;
  readonly passed: boolean;
  readonly startedAt: Date;
  readonly seconds: number;
  /** The last line of its output, or why it was stopped. */
  readonly summary: string;
  readonly lastLines: readonly string[];
}

/**
 * Runs the steps, two concurrently, and then one by one the steps that need the machine for themselves.
 * Prints each line of a step at once, after the step's name. Child processes end with this process.
 */
export async function runSteps(
  steps: readonly Step[],
  onDone: (outcome: Outcome) => void,
): Promise<readonly Outcome[]> {
  const running = new Map<Step, number>();
  const outcomes: Outcome[] = [];
  const run = async (step: Step) => {
    running.set(step, performance.now());
    console.log(`\n=== ${step.name}: ${step.command}`);
    const outcome = await runStep(step, (line) => console.log(`[${step.name}] ${line}`));
    running.delete(step);
    outcomes.push(outcome);
    const { passed, seconds, summary } = outcome;
    console.log(`--- ${step.name} ${passed ? 'passed' : 'FAILED'} in ${seconds} s: ${summary}\n`);
    onDone(outcome);
  };
  const heartbeat = setInterval(() => {
    const names = [...running].map(
      ([{ name }, since]) => `${name} for ${Math.round((performance.now() - since) / 1_000)} s`,
    );
    console.log(`... running: ${names.join(', ')}`);
  }, HEARTBEAT_MS);
  try {
    const shared = steps.filter((step) => !isAlone(step));
    await eachConcurrently(shared, LANES, () => false, run);
    for (const step of steps.filter(isAlone)) await run(step);
  } finally {
    clearInterval(heartbeat);
  }
  return outcomes;
}

const isAlone = (step: Step): boolean => step.tier === 'nightly' && step.isAlone === true;

/** Runs one step. A failing step is an outcome and never a rejection. */
export async function runStep(step: Step, onLine: (line: string) => void): Promise<Outcome> {
  const startedAt = new Date();
  const startedMs = performance.now();
  const child = startGuarded(['sh', '-c', step.command], {
    env: { ...process.env, FREE_PORT: String(await freePort()) },
    onLine,
  });
  const limit = new AbortController();
  const ended = await Promise.race([child.ended, timeUp(child, step.limitMinutes, limit.signal)]);
  limit.abort();
  const passed = ended === 'exit code 0';
  const lastLine = child.lastLines.findLast((line) => line.trim() !== '')?.trim();
  return {
    step,
    passed,
    startedAt,
    seconds: Math.round((performance.now() - startedMs) / 1_000),
    lastLines: child.lastLines,
    summary: passed ? (lastLine ?? ended) : `${ended}${lastLine === undefined ? '' : `, ${lastLine}`}`,
  };
}

async function timeUp(child: GuardedProcess, minutes: number, signal: AbortSignal): Promise<string> {
  await delay(minutes * MS_IN_MINUTE, undefined, { signal, ref: false });
  await child.stop(STOP_GRACE_MS);
  return `stopped after ${minutes} minutes`;
}
