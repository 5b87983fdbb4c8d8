import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseConfig } from '../settings/environment.ts';
import { openTable } from '../store/table.ts';
import type { Report } from './business-events.ts';
import type { Deps } from './deps.ts';
import { noteCall, timeLeftMs } from './request-scope.ts';

/** The dependencies of operations. Reports nothing by default: only a running function reports. */
export function startRuntime(env: NodeJS.ProcessEnv, report: Report = () => {}): Deps {
  const config = parseConfig(env);
  return {
    stage: config.stage,
    keyCallsPerMinute: config.keyCallsPerMinute,
    table: openTable(config, {
      timeLeftMs,
      onCall: (ms, retries) => noteCall('dynamodb', ms, retries),
    }),
    now: () => new Date(),
    random: Math.random,
    randomBytes,
    sleep: (ms) => sleep(ms),
    report,
  };
}
