import { newReport } from '../../domain/reconciliation.ts';
import type { Deps } from '../../runtime/deps.ts';
import { retryContended } from '../ledger/retry-contended.ts';
import { type ReconcileRun, readRun, saveRun } from './stored-run.ts';

/** How much of its work a killed run may have to do once more. */
const SAVE_EVERY_MS = 5_000;
const HOLDER_BYTES = 8;

export interface HeldRunOptions {
  readonly run: string;
  /** For a run that is new; one that was begun keeps its own. */
  readonly segments: number;
  /** The same holds for it. */
  readonly upToNow: boolean;
  readonly budgetMs: number;
  readonly onAdvance: (run: ReconcileRun) => void;
}

/**
 * A run in the hands of one invocation: what it has found so far and where it goes on, never one without the other, so that
 * nothing is counted twice or left out wherever it is cut off.
 */
export class HeldRun {
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
    { budgetMs, onAdvance }: HeldRunOptions,
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

  /** Takes a run up where it stands, or begins it. Of two that are at it, one finds out when it saves, and leaves off. */
  static async take(deps: Deps, options: HeldRunOptions): Promise<HeldRun> {
    const stored = await readRun(deps.table, options.run);
    return new HeldRun(deps, stored ?? { run: begin(deps, options), version: 0 }, options);
  }

  get run(): ReconcileRun {
    return this.#run;
  }

  get isFinished(): boolean {
    return this.#run.report.finishedAt !== null;
  }

  /** Whether another invocation has taken the run up. */
  get isTaken(): boolean {
    return this.#isTaken;
  }

  /** Whether to leave off, at the next place where the run can be taken up again. */
  get isOver(): boolean {
    return this.#isTaken || this.#isStopped || this.#deps.now().getTime() >= this.#endMs;
  }

  /** Something failed and the run ends with that: whoever works on another part of it leaves off too. */
  stop(): void {
    this.#isStopped = true;
  }

  /**
   * Takes in what was found, with the place to go on from. Saves now and then. What is found after the run was taken over is
   * dropped: whoever has it by now finds it too.
   */
  async advance(change: (run: ReconcileRun) => ReconcileRun): Promise<void> {
    if (this.#isTaken) return;
    this.#run = change(this.#run);
    this.#onAdvance(this.#run);
    if (this.#deps.now().getTime() - this.#savedMs >= SAVE_EVERY_MS) await this.save();
  }

  /**
   * Saves what there is by now, unless it is saved.
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

function begin({ now }: Deps, { run, segments, upToNow }: HeldRunOptions): ReconcileRun {
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
