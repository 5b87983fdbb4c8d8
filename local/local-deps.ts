import type { Deps } from '../lib/deps.ts';
import { startRuntime } from '../lib/runtime.ts';

/** What operations work with when they are called on this machine rather than over HTTP. */
export function localDeps(endpoint: string, tableName: string): Deps {
  return startRuntime({ TABLE_NAME: tableName, STAGE: 'dev', DYNAMODB_ENDPOINT: endpoint });
}
