import { reasonOf } from '../../lib/settings/setup-error.ts';
import { awsFailure } from '../stage/aws-failure.ts';

/** How to fix a finding. */
export interface Remedy {
  readonly advice?: string;
  /** A command line in parts. Lines may be broken between the parts. */
  readonly command?: readonly string[];
}

export type Finding =
  | { readonly state: 'ok'; readonly detail: string }
  | { readonly state: 'wrong'; readonly detail: string; readonly remedy: Remedy };

export const ok = (detail: string): Finding => ({ state: 'ok', detail });
export const wrong = (detail: string, remedy: Remedy): Finding => ({ state: 'wrong', detail, remedy });

/** One item of the production checklist. */
export interface Check<S> {
  readonly id: string;
  /** For people, in a few words. */
  readonly title: string;
  /** Ids of the checks that must pass before this one can run. */
  readonly needs?: readonly string[];
  /** Why the check does not apply to this site. Null if it applies. */
  readonly absentReason?: (site: S) => string | null;
  run(site: S): Promise<Finding>;
}

export interface Result {
  readonly id: string;
  readonly title: string;
  readonly state:
    | Finding['state']
    /** AWS, Stripe or the network failed, so the check did not run. Says nothing about the stage. */
    | 'unknown'
    /** A check that this one needs did not pass. That check has its own result. */
    | 'blocked'
    /** The check does not apply to this site. */
    | 'absent';
  readonly detail: string;
  readonly remedy: Remedy;
}

export interface ExamineOptions {
  /** The time limit of each check. */
  readonly timeoutMs: number;
  /** The command that runs these checks. Default: doctor. */
  readonly command?: string;
  readonly onDone: (result: Result) => void;
}

/**
 * `fit`: every check passed. `not_fit`: a check is wrong. `not_checked`: none is wrong, but some could not
 * run.
 */
export type Verdict = 'fit' | 'not_fit' | 'not_checked';

export function verdictOf(results: readonly Result[]): Verdict {
  if (results.some(({ state }) => state === 'wrong')) return 'not_fit';
  return results.every(isPassed) ? 'fit' : 'not_checked';
}

const isPassed = ({ state }: Result): boolean => state === 'ok' || state === 'absent';

/**
 * Runs the checks concurrently, each after the checks it needs. Results keep the order of the checks. Never
 * throws.
 */
export async function examine<S>(
  checks: readonly Check<S>[],
  site: S,
  options: ExamineOptions,
): Promise<Result[]> {
  const results = new Map<string, Promise<Result>>();
  for (const check of checks) results.set(check.id, resultOf(check, site, options, results));
  return Promise.all(results.values());
}

async function resultOf<S>(
  check: Check<S>,
  site: S,
  { timeoutMs, command = 'doctor', onDone }: ExamineOptions,
  earlier: ReadonlyMap<string, Promise<Result>>,
): Promise<Result> {
  const { id, title, needs = [] } = check;
  const result = (state: Result['state'], detail: string, remedy: Remedy = {}): Result => {
    const done = { id, title, state, detail, remedy };
    onDone(done);
    return done;
  };
  const absentReason = check.absentReason?.(site) ?? null;
  if (absentReason !== null) return result('absent', absentReason);
  const needed = await Promise.all(needs.map((need) => earlier.get(need)));
  const blockers = needed.filter((one) => one !== undefined && !isPassed(one)).map((one) => one?.title);
  if (blockers.length > 0) return result('blocked', `not checked, blocked by: ${blockers.join(', ')}`);
  try {
    const finding = await within(timeoutMs, check.run(site));
    return finding.state === 'ok'
      ? result('ok', finding.detail)
      : result('wrong', finding.detail, finding.remedy);
  } catch (error) {
    return result('unknown', `could not be checked: ${safeReason(error)}`, {
      advice: `Fix that, and run ${command} again.`,
    });
  }
}

/** Safe to print: error messages of AWS and Stripe contain neither values nor keys. */
const safeReason = (error: unknown): string => awsFailure(error)?.detail ?? reasonOf(error);

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms / 1_000} s`)), ms);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
