import { showProgress } from '../../cli/terminal/progress.ts';
import { count } from './counted/count.ts';
import type { Counted } from './counted/results.ts';
import type { Effort } from './effort.ts';
import { type Crowd, measureHotCustomer } from './hot-customer.ts';
import { describeMachine, type Machine } from './machine.ts';
import { profileHandler, type Share } from './profile.ts';
import { openSetting } from './setting.ts';
import { measureSideBySide, type SideBySide } from './side-by-side/side-by-side.ts';
import { measureStartUp, type StartUp } from './start-up.ts';
import { measureThroughput, type Throughput } from './throughput.ts';

export interface Results {
  readonly machine: Machine;
  readonly counted: Counted;
  readonly throughput: Throughput;
  readonly hotCustomer: readonly Crowd[];
  readonly startUp: readonly StartUp[];
  /** Null if it was left out. */
  readonly sideBySide: SideBySide | null;
  readonly profile: readonly Share[];
  readonly seconds: number;
}

/** Measures everything sequentially, because timings need the machine to themselves. */
export async function measure(effort: Effort, withPostgres: boolean): Promise<Results> {
  const startedMs = performance.now();
  const progress = showProgress(process.stderr);
  try {
    // First, because a missing PostgreSQL should end the run at once.
    const sideBySide = withPostgres ? await measureSideBySide(effort, progress.step) : null;
    // Its engine is gone.
    delete process.env['DYNAMODB_ENDPOINT'];
    const counted = await count(effort.full, progress.step);
    progress.step('starting the engine');
    const setting = await openSetting();
    try {
      const throughput = await measureThroughput(setting, effort, progress.step);
      const hotCustomer = await measureHotCustomer(setting, effort, progress.step);
      const profile = await profileHandler(setting, progress.step);
      const startUp = await measureStartUp(effort, progress.step);
      const machine = describeMachine(setting.engine, setting.deps.now());
      const seconds = (performance.now() - startedMs) / 1_000;
      return { machine, counted, throughput, hotCustomer, startUp, sideBySide, profile, seconds };
    } finally {
      await setting.stop();
    }
  } finally {
    progress.end();
  }
}
