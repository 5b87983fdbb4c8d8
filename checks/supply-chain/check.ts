/** The result of one check. A check that could not run never counts as passed. */
export interface Check {
  readonly name: string;
  readonly state: 'passed' | 'failed' | 'not checked';
  /** What was checked, in one line. */
  readonly summary: string;
  /** Each names the problem and its place. */
  readonly findings: readonly string[];
}

export const checked = (name: string, summary: string, findings: readonly string[]): Check => ({
  name,
  state: findings.length === 0 ? 'passed' : 'failed',
  summary,
  findings,
});
