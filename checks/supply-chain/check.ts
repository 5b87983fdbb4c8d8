/** What came of one check. What could not be looked at is neither good nor bad, and is never counted as good. */
export interface Check {
  readonly name: string;
  readonly state: 'passed' | 'failed' | 'not checked';
  /** What was looked at, in one line. */
  readonly summary: string;
  /** Each names what is wrong and where. */
  readonly findings: readonly string[];
}

export const checked = (name: string, summary: string, findings: readonly string[]): Check => ({
  name,
  state: findings.length === 0 ? 'passed' : 'failed',
  summary,
  findings,
});
