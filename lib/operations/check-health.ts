import { GetCommand } from '@aws-sdk/lib-dynamodb';
import type { Deps } from '../deps.ts';
import { keys } from '../store/keys.ts';

const TIMEOUT_MS = 1_500;

/** Whether the table answers a consistent read, and how long it took in milliseconds. Never throws. */
export async function checkHealth({ table, now }: Deps): Promise<{ reachable: boolean; latencyMs: number }> {
  const started = now().getTime();
  const read = new GetCommand({ TableName: table.name, Key: { ...keys.health }, ConsistentRead: true });
  const reachable = await table.client
    .send(read, { abortSignal: AbortSignal.timeout(TIMEOUT_MS) })
    .then(() => true)
    .catch(() => false);
  return { reachable, latencyMs: now().getTime() - started };
}
