import { randomBytes } from 'node:crypto';
import { mkdirSync, openSync, writeSync } from 'node:fs';
import { devNull } from 'node:os';
import { join } from 'node:path';
import { DeleteTableCommand } from '@aws-sdk/client-dynamodb';
import { useLocalAws } from '../../cli/stage/local-aws.ts';
import { PROJECT_ROOT } from '../../cli/stage/serverless-file.ts';
import { ensureTable } from '../../cli/stage/table.ts';
import type { Deps } from '../../lib/runtime/deps.ts';
import { startRuntime } from '../../lib/runtime/start.ts';
import { startEngine } from '../../local/stack/engine.ts';

/** The benchmarks' environment: an engine with its own table, and variables like a deployed function's. */
export interface Setting {
  readonly engine: string;
  readonly endpoint: string;
  readonly deps: Deps;
  stop(): Promise<void>;
}

/** How functions write their lines: as on Lambda. The last three are those of Powertools, for earlier/. */
export const OUTPUT: Readonly<Record<string, string>> = {
  SERVICE_NAME: 'rsolv-billing',
  METRICS_NAMESPACE: 'RSOLV/Billing',
  POWERTOOLS_SERVICE_NAME: 'rsolv-billing',
  POWERTOOLS_METRICS_NAMESPACE: 'RSOLV/Billing',
  POWERTOOLS_DEV: 'false',
};

/** For bundles. Inside the project, so that they resolve the packages that they exclude. */
export function cacheFolder(): string {
  const folder = join(PROJECT_ROOT, '.cache', 'bench');
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** A proxy that forwards requests to the engine. */
export interface Between {
  readonly endpoint: string;
  close(): void;
}

interface SettingOptions {
  /** Starts a proxy between the functions and the engine; without it there is none. */
  readonly through?: (engine: string) => Promise<Between>;
  /** Starts an engine that keeps its data in this folder. Otherwise it is in memory, or DYNAMODB_ENDPOINT. */
  readonly dataDir?: string;
}

export async function openSetting({ through, dataDir }: SettingOptions = {}): Promise<Setting> {
  const engine = await startEngine(dataDir === undefined ? {} : { dataDir, env: {} });
  useLocalAws(process.env);
  const between = await through?.(engine.endpoint);
  const endpoint = between?.endpoint ?? engine.endpoint;
  Object.assign(process.env, functionEnvironment(endpoint));
  const deps = startRuntime(process.env);
  await ensureTable(deps.table.client, deps.table.name);
  return {
    engine: engine.describe,
    endpoint,
    deps,
    stop: async () => {
      await deps.table.client.send(new DeleteTableCommand({ TableName: deps.table.name }));
      between?.close();
      await engine.stop();
    },
  };
}

function functionEnvironment(endpoint: string): Record<string, string> {
  return {
    STAGE: 'bench',
    TABLE_NAME: `bench-${randomBytes(6).toString('hex')}`,
    DYNAMODB_ENDPOINT: endpoint,
    // A crowd on one key must not measure the limit of calls.
    KEY_CALLS_PER_MINUTE: '0',
    ...OUTPUT,
  };
}

/**
 * Discards what `work` writes to stdout. The functions still format each log line and make one system call
 * for it, as on Lambda.
 * @param keep gets what is discarded
 */
export async function withoutOutput<T>(work: () => Promise<T>, keep?: (text: string) => void): Promise<T> {
  const { write } = process.stdout;
  nowhere ??= openSync(devNull, 'w');
  const into = nowhere;
  process.stdout.write = (chunk: string | Uint8Array) => {
    const bytes = Buffer.from(chunk);
    writeSync(into, bytes);
    keep?.(bytes.toString());
    return true;
  };
  try {
    return await work();
  } finally {
    process.stdout.write = write;
  }
}

let nowhere: number | undefined;
