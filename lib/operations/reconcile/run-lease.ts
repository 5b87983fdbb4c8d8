import { newReport } from '../../domain/reconciliation.ts';
import type { Deps } from '../../runtime/deps.ts';
import { retryContended } from '../ledger/retry-contended.ts';
import { type ReconcileRun, readRun, saveRun } from './stored-run.ts';

/** The most work that a killed run repeats. */
const SAVE_EVERY_MS = 5_000;
const HOLDER_BYTES = 8;

export interface RunLeaseOptions {
  readonly run: string;
  /** For a new run; a resumed run keeps its own value. */
  readonly segments: number;
  /** As `segments`. */
  readonly upToNow: boolean;
  readonly budgetMs: number;
  readonly onAdvance: (run: ReconcileRun) => void;
}

/**
 * A run held by one invocation: its findings and its place, always saved together, so an interruption neither
 * repeats nor skips a finding.
 */
export class RunLease {
  readonly #deps: Deps;
  readonly #holder: string;
  readonly #endMs: number;
  readonly #onAdvance: (run: ReconcileRun) => void;
  #run: ReconcileRun;
  #written: ReconcileRun | null;
  #version: number;
  #savedMs: number;
  #saving: Promise<void> = Promise.resolve();
  #isTaken = false;
  #isStopped = false;

  private constructor(
    deps: Deps,
    { run, version }: { readonly run: ReconcileRun; readonly version: number },
    { budgetMs, onAdvance }: RunLeaseOptions,
  ) {
    const nowMs = deps.now().getTime();
    this.#deps = deps;
    this.#holder = Buffer.from(deps.randomBytes(HOLDER_BYTES)).toString('hex');
    this.#endMs = nowMs + budgetMs;
    this.#onAdvance = onAdvance;
    this.#run = run;
    this.#written = version === 0 ? null : run;
    this.#version = version;
    this.#savedMs = nowMs;
  }

  /**
   * Resumes a run, or starts it. If two invocations hold the run, one of them finds out when it saves, and
   * stops.
   */
  static async acquire(deps: Deps, options: RunLeaseOptions): Promise<RunLease> {
    const stored = await readRun(deps.table, options.run);
    return new RunLease(deps, stored ?? { run: newRun(deps, options), version: 0 }, options);
  }

  get run(): ReconcileRun {
    return this.#run;
  }

  get isFinished(): boolean {
    return this.#run.report.finishedAt !== null;
  }

  /** Whether another invocation has taken over the run. */
  get isLost(): boolean {
    return this.#isTaken;
  }

  /** Whether to stop at the next place where the run can be resumed. */
  get mustStop(): boolean {
    return this.#isTaken || this.#isStopped || this.#deps.now().getTime() >= this.#endMs;
  }

  /** Ends the run after a failure: parallel parts stop too. */
  stop(): void {
    this.#isStopped = true;
  }

  /**
   * Adds findings together with the place to continue from, and saves periodically. After a takeover,
   * findings are dropped, because the new holder finds them too.
   */
  async advance(change: (run: ReconcileRun) => ReconcileRun): Promise<void> {
    if (this.#isTaken) return;
    this.#run = change(this.#run);
    this.#onAdvance(this.#run);
    if (this.#deps.now().getTime() - this.#savedMs >= SAVE_EVERY_MS) await this.save();
  }

  /**
   * Saves the current state, unless it is saved already.
   * @throws BillingError ledger_unavailable, ledger_busy
   */
  save(): Promise<void> {
    this.#saving = this.#saving.then(() => this.#write());
    return this.#saving;
  }

  async #write(): Promise<void> {
    const run = this.#run;
    if (this.#isTaken || run === this.#written) return;
    const next = { run, version: this.#version, holder: this.#holder };
    const result = await retryContended(this.#deps, () => saveRun(this.#deps.table, next));
    if (result.kind === 'taken') {
      this.#isTaken = true;
      this.#run = result.by.run;
      return;
    }
    this.#version += 1;
    this.#written = run;
    this.#savedMs = this.#deps.now().getTime();
  }
}

function newRun({ now }: Deps, { run, segments, upToNow }: RunLeaseOptions): ReconcileRun {
  return {
    report: newReport(run, now().toISOString(), upToNow),
    position: {
      events: { day: 0, after: null, announced: [] },
      segments: Array.from({ length: segments }, () => ({ after: null, isDone: false })),
      postponed: [],
      large: [],
      payments: { after: null, isDone: false },
      movements: { after: null, isDone: false },
      invoices: { after: null, isDone: false },
    },
  };
}
