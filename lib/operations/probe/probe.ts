import type { Report } from '../../runtime/business-events.ts';
import { reasonOf } from '../../settings/setup-error.ts';
import type { Answer, Ask } from './ask.ts';
import { billAgain, health } from './calls.ts';
import {
  type CustomerDeps,
  lateCustomers,
  needsCustomer,
  removeFirst,
  replaceCustomer,
} from './test-customers.ts';

export interface ProbeDeps extends CustomerDeps {
  readonly stage: string;
  readonly report: Report;
}

export interface Probed {
  /** `undecided`: the probe could not ask, or a dependency of the API does not answer. */
  readonly outcome: 'passed' | 'failed' | 'undecided';
  /** What went wrong, without keys. */
  readonly findings: readonly string[];
}

/**
 * During a canary, each call has a chance of 10 % to reach the new version. 30 calls in 10 minutes find a
 * version that refuses everything with a probability of 96 %.
 */
const BILLINGS = 3;

/**
 * Asks the API like a customer: its health, and to bill a fix that is billed already. Once a day also signs
 * up a new test customer and bills a fix. Reports the outcome, and throws nothing: a run that could not ask
 * does not count as completed, so the alarm for a silent probe sounds.
 */
export async function probe(deps: ProbeDeps): Promise<Probed> {
  const { now, stage, report } = deps;
  let requests = 0;
  let faults = 0;
  const ask: Ask = async (asked) => {
    requests++;
    const answer = await deps.ask(asked);
    if (answer.kind !== 'right' && answer.status !== null && answer.status >= 500) faults++;
    return answer;
  };
  const memory = await deps.memory.read().catch(unusable);
  const customer = 'kind' in memory ? null : memory.customer;
  const billing = customer === null ? [] : Array.from({ length: BILLINGS }, () => billAgain(customer));
  const [healthy, ...billed] = await Promise.all([ask(health(stage)), ...billing.map(ask)]);
  const answers = [healthy, ...billed];
  let notRemoved: string | null = null;
  if ('kind' in memory) answers.push(memory);
  else if (needsCustomer(memory, now(), isGone(billed))) {
    answers.push(await replaceCustomer({ ...deps, ask }).catch(unusable));
  } else {
    // Not in the same run as a sign-up: a run has less than a minute.
    notRemoved = await removeFirst(deps, memory).catch(reasonOf);
    if (customer === null) answers.push(NO_CUSTOMER);
  }
  const probed = conclusion(answers);
  const lateRemovals = 'kind' in memory ? 0 : lateCustomers(memory, now());
  report({ kind: 'probe_ended', ...probed, requests, faults, lateRemovals, notRemoved });
  return probed;
}

/** The memory cannot be read or written, which says nothing about the API. */
const unusable = (error: unknown): Exclude<Answer, { kind: 'right' }> => ({
  kind: 'unavailable',
  status: null,
  finding: `The memory of the probe cannot be used: ${reasonOf(error)}`,
});

const NO_CUSTOMER: Answer = {
  kind: 'unavailable',
  status: null,
  finding:
    'There is no test customer to bill, because its sign-up failed. It is tried again every 10 minutes.',
};

/**
 * Whether the customer was removed, for example by hand. A release that refuses every key looks the same:
 * either way this run has failed, and a new customer tells them apart.
 */
const isGone = (billed: readonly Answer[]): boolean =>
  billed.length > 0 &&
  billed.every((one) => one.kind === 'wrong' && (one.status === 401 || one.status === 404));

function conclusion(answers: readonly Answer[]): Probed {
  const bad = answers.flatMap((answer) => (answer.kind === 'right' ? [] : [answer]));
  const findings = [...new Set(bad.map(({ finding }) => finding))];
  if (bad.length === 0) return { outcome: 'passed', findings };
  return { outcome: bad.some(({ kind }) => kind === 'wrong') ? 'failed' : 'undecided', findings };
}
