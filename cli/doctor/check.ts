import { reasonOf } from '../../lib/settings/setup-error.ts';
import { awsFailure } from '../stage/aws-failure.ts';

/** What to do about what is wrong. */
export interface Remedy {
  readonly advice?: string;
  /** A command line, in the parts that it may be broken between. */
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
  /** What has to be right before there is anything to look at; their ids. */
  readonly needs?: readonly string[];
  /** Why there is no such thing on this site, where it has none; otherwise null. */
  readonly absent?: (site: S) => string | null;
  run(site: S): Promise<Finding>;
}

export interface Result {
  readonly id: string;
  readonly title: string;
  readonly state:
    | Finding['state']
    /** The check could not be made: AWS, Stripe or the network is in the way. Says nothing about the stage. */
    | 'unknown'
    /** A check that it needs is not ok, and has a result of its own. */
    | 'blocked'
    /** There is no such thing here, and none is wanted. */
    | 'absent';
  readonly detail: string;
  readonly remedy: Remedy;
}

const CHECK_AGAIN = 'Fix that, and run doctor again.';

export interface ExamineOptions {
  /** Bounds each check. */
  readonly timeoutMs: number;
  readonly onDone: (result: Result) => void;
}

/** `fit`: every check is ok. `not_fit`: something is wrong. `not_checked`: nothing is, as far as it could be checked. */
export type Verdict = 'fit' | 'not_fit' | 'not_checked';

export function verdictOf(results: readonly Result[]): Verdict {
  if (results.some(({ state }) => state === 'wrong')) return 'not_fit';
  return results.every(isPassed) ? 'fit' : 'not_checked';
}

const isPassed = ({ state }: Result): boolean => state === 'ok' || state === 'absent';

/** Runs all checks at once, each when those it needs have ended; the results are in the checks' own order. Never throws. */
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
  { timeoutMs, onDone }: ExamineOptions,
  earlier: ReadonlyMap<string, Promise<Result>>,
): Promise<Result> {
  const { id, title, needs = [] } = check;
  const result = (state: Result['state'], detail: string, remedy: Remedy = {}): Result => {
    const done = { id, title, state, detail, remedy };
    onDone(done);
    return done;
  };
  const absent = check.absent?.(site) ?? null;
  if (absent !== null) return result('absent', absent);
  const needed = await Promise.all(needs.map((need) => earlier.get(need)));
  const inTheWay = needed.filter((one) => one !== undefined && !isPassed(one)).map((one) => one?.title);
  if (inTheWay.length > 0) return result('blocked', `not checked, it waits for: ${inTheWay.join(', ')}`);
  try {
    const finding = await within(timeoutMs, check.run(site));
    return finding.state === 'ok'
      ? result('ok', finding.detail)
      : result('wrong', finding.detail, finding.remedy);
  } catch (error) {
    return result('unknown', `could not be checked: ${why(error)}`, { advice: CHECK_AGAIN });
  }
}

/** Without what a secret could be in: errors of AWS and Stripe name neither values nor keys. */
const why = (error: unknown): string => awsFailure(error)?.detail ?? reasonOf(error);

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms / 1_000} s`)), ms);
  });
  try {
    return await Promise.race([work, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
