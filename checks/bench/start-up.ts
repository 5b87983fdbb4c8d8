import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import * as z from 'zod/mini';
import { PROJECT_ROOT } from '../../cli/stage/serverless-file.ts';
import { range } from '../../test/support/fixtures.ts';
import { gatewayEvent } from '../../test/support/gateway.ts';
import { type Bundle, bundle, readBundlePlan } from '../budgets/bundle-functions.ts';
import type { Effort } from './effort.ts';
import { median } from './statistics.ts';

const CHILD = join(import.meta.dirname, 'start-up-child.mjs');

export interface StartUp {
  readonly name: string;
  /** The comparison: the DynamoDB client with the commands that the function uses, or an empty module. */
  readonly baseline: 'DynamoDB client' | 'empty module';
  /** Medians from the process start. */
  readonly loadedMs: number;
  readonly answeredMs: number;
  readonly baselineMs: number;
  /** The median over the pairs of loaded / baseline time. */
  readonly ratio: number;
  /** The same ratio of CPU time, which depends less on other load of the machine. */
  readonly cpuRatio: number;
}

interface Pair {
  readonly own: Times;
  readonly baseline: Times;
}

/**
 * Starts each function's bundle in its own process, paired with a baseline bundle. The baseline only imports
 * and constructs the DynamoDB client with the same commands: the minimum for a function that uses the table.
 */
export async function measureStartUp(
  { startUpPairs }: Pick<Effort, 'startUpPairs'>,
  progress: (what: string) => void,
): Promise<StartUp[]> {
  progress('start-up, bundling');
  // Inside the project, so a bundle resolves the packages that it excludes.
  const folder = join(PROJECT_ROOT, '.cache', `bench-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  try {
    const plan = readBundlePlan();
    const contestants = await Promise.all(
      plan.functions.map(async ({ name, entry, answersRequests }) => {
        const own = await bundle(plan, entry, { folder });
        const source = baselineSource(own);
        const baseline = await bundle(plan, { name: `baseline-${name}`, source }, { folder });
        const pairs: Pair[] = [];
        return {
          name,
          own: own.file,
          baseline: baseline.file,
          usesTable: source !== '',
          answersRequests,
          pairs,
        };
      }),
    );
    for (const round of range(1, startUpPairs)) {
      progress(`start-up, round ${round} of ${startUpPairs}`);
      for (const { own, baseline, answersRequests, pairs } of contestants) {
        pairs.push({
          own: await startOnce(own, plan.nodeOptions, answersRequests),
          baseline: await startOnce(baseline, plan.nodeOptions, answersRequests),
        });
      }
    }
    return contestants.map(({ name, usesTable, pairs }) => ({
      name,
      baseline: usesTable ? 'DynamoDB client' : 'empty module',
      loadedMs: median(pairs.map(({ own }) => own.loadedMs)),
      answeredMs: median(pairs.map(({ own }) => own.answeredMs)),
      baselineMs: median(pairs.map(({ baseline }) => baseline.loadedMs)),
      ratio: median(pairs.map(({ own, baseline }) => own.loadedMs / baseline.loadedMs)),
      cpuRatio: median(pairs.map(({ own, baseline }) => own.loadedCpuMs / baseline.loadedCpuMs)),
    }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const COMMAND_SOURCE = /(@aws-sdk\/(?:client|lib)-dynamodb)\/.*\/commands\/(\w+Command)\.js$/;

/** A module with the DynamoDB client and commands of a function's bundle. Empty if the bundle has none. */
function baselineSource({ bytesBySource }: Bundle): string {
  const commands = [...bytesBySource.keys()].flatMap((source) => {
    const [, from, name] = COMMAND_SOURCE.exec(source) ?? [];
    return from === undefined || name === undefined ? [] : [{ from, name }];
  });
  if (commands.length === 0) return '';
  const usesDocuments = commands.some(({ from }) => from === '@aws-sdk/lib-dynamodb');
  const client = 'new DynamoDBClient({})';
  const lines = commands.map(({ from, name }) => `export { ${name} } from '${from}';`).sort();
  return [
    "import { DynamoDBClient } from '@aws-sdk/client-dynamodb';",
    ...(usesDocuments ? ["import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';"] : []),
    `export const client = ${usesDocuments ? `DynamoDBDocumentClient.from(${client})` : client};`,
    ...lines.map((line, i) => line.replace(' }', ` as Command${i} }`)),
  ].join('\n');
}

const Times = z.object({ loadedMs: z.number(), loadedCpuMs: z.number(), answeredMs: z.number() });
type Times = z.output<typeof Times>;

/** A request without a key and with an unknown query. Every function rejects it before it reads the table. */
const REFUSED = gatewayEvent({ query: { nonsense: '1' } });

async function startOnce(file: string, nodeOptions: string, answersRequests: boolean): Promise<Times> {
  const request = answersRequests ? [JSON.stringify(REFUSED)] : [];
  const child = spawn(process.execPath, [CHILD, pathToFileURL(file).href, ...request], {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
    env: {
      // The variables of a deployed function.
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      STAGE: 'bench',
      TABLE_NAME: 'bench',
      STRIPE_WEBHOOK_SECRETS: 'whsec_bench',
      POWERTOOLS_SERVICE_NAME: 'rsolv-billing',
      POWERTOOLS_METRICS_NAMESPACE: 'RSOLV/Billing',
      NODE_OPTIONS: nodeOptions,
    },
  });
  const pipe = child.stdio[3];
  if (!(pipe instanceof Readable)) throw new Error('a child process has no pipe');
  const [output, [code]] = await Promise.all([text(pipe), once(child, 'exit')]);
  if (code !== 0) throw new Error(`${file} did not start: exit code ${code}`);
  return Times.parse(JSON.parse(output));
}
