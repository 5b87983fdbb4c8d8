import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseConfig } from '../settings/environment.ts';
import { openTable } from '../store/table.ts';
import type { Deps } from './deps.ts';

/** What a running function works with; made once when it starts, and kept for every request. */
export function startRuntime(env: NodeJS.ProcessEnv): Deps {
  const config = parseConfig(env);
  return {
    stage: config.stage,
    table: openTable(config),
    now: () => new Date(),
    random: Math.random,
    randomBytes,
    sleep: (ms) => sleep(ms),
  };
}
