import type { Deps } from './deps.ts';
import { report } from './report.ts';
import { startRuntime } from './start.ts';

let runtime: Deps | undefined;

/** The dependencies of a running function: created at its first call and reused afterwards. */
export const runningDeps = (): Deps => (runtime ??= startRuntime(process.env, report));
