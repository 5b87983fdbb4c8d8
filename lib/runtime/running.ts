import type { Deps } from './deps.ts';
import { report } from './report.ts';
import { startRuntime } from './start.ts';

let runtime: Deps | undefined;

/** What a running function works with: started once, at its first call, and kept for every call after. */
export const runningDeps = (): Deps => (runtime ??= startRuntime(process.env, report));
