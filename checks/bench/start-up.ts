import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import * as z from 'zod/mini';
import { range } from '../../test/support/fixtures.ts';
import { gatewayEvent } from '../../test/support/gateway.ts';
import { type Bundle, bundle, readBundlePlan } from '../budgets/bundle-functions.ts';
import { earlierPlan } from './earlier/bundle.ts';
import type { Effort } from './effort.ts';
import { cacheFolder, OUTPUT } from './setting.ts';
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
  /** The first answer of the function's earlier self (earlier/bundle.ts). */
  readonly earlierMs: number;
  /** The median over the rounds of the first answers, now / earlier. */
  readonly againstEarlier: number;
  /** The same ratio of CPU time until the first answer, which depends less on other load of the machine. */
  readonly cpuAgainstEarlier: number;
  /** Whether the function, with all the code that it may load later, has loaded Node's `fetch`. */
  readonly loadsFetch: boolean;
  /** The median over the rounds of loaded / baseline time. */
  readonly ratio: number;
  /** The same ratio of CPU time. */
  readonly cpuRatio: number;
}

/** The starts of one round. */
interface Starts {
  readonly own: Times;
  readonly earlier: Times;
  readonly baseline: Times;
}

/**
 * Starts each function's bundle in its own process, beside its earlier self and a baseline bundle. The
 * baseline only imports and constructs the SDK's client as it comes, with the commands of the earlier self.
 */
export async function measureStartUp(
  { startUpRounds }: Pick<Effort, 'startUpRounds'>,
  progress: (what: string) => void,
): Promise<StartUp[]> {
  progress('start-up, bundling');
  const folder = mkdtempSync(join(cacheFolder(), 'start-up-'));
  try {
    const plan = readBundlePlan();
    const thenPlan = earlierPlan(plan);
    const contestants = await Promise.all(
      plan.functions.map(async ({ name, entry, routeKey }) => {
        const own = await bundle(plan, entry, { folder });
        const earlier = await bundle(thenPlan, entry, { folder: join(folder, 'earlier') });
        const source = baselineSource(earlier);
        const baseline = await bundle(thenPlan, { name: `baseline-${name}`, source }, { folder });
        const starts: Starts[] = [];
        return {
          name,
          own,
          earlier,
          baseline,
          usesTable: source !== '',
          routeKey,
          starts,
        };
      }),
    );
    for (const round of range(1, startUpRounds)) {
      progress(`start-up, round ${round} of ${startUpRounds}`);
      for (const { own, earlier, baseline, routeKey, starts } of contestants) {
        starts.push({
          own: await startOnce(own, plan.nodeOptions, routeKey),
          earlier: await startOnce(earlier, thenPlan.nodeOptions, routeKey),
          baseline: await startOnce(baseline, thenPlan.nodeOptions, routeKey),
        });
      }
    }
    return contestants.map(({ name, usesTable, starts }) => {
      const of = (value: (start: Starts) => number) => median(starts.map(value));
      return {
        name,
        baseline: usesTable ? 'DynamoDB client' : 'empty module',
        loadedMs: of(({ own }) => own.loadedMs),
        answeredMs: of(({ own }) => own.answeredMs),
        baselineMs: of(({ baseline }) => baseline.loadedMs),
        earlierMs: of(({ earlier }) => earlier.answeredMs),
        againstEarlier: of(({ own, earlier }) => own.answeredMs / earlier.answeredMs),
        cpuAgainstEarlier: of(({ own, earlier }) => own.answeredCpuMs / earlier.answeredCpuMs),
        loadsFetch: starts.some(({ own }) => own.loadsFetch),
        ratio: of(({ own, baseline }) => own.loadedMs / baseline.loadedMs),
        cpuRatio: of(({ own, baseline }) => own.loadedCpuMs / baseline.loadedCpuMs),
      };
    });
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

const Times = z.object({
  loadedMs: z.number(),
  loadedCpuMs: z.number(),
  answeredMs: z.number(),
  answeredCpuMs: z.number(),
  loadsFetch: z.boolean(),
});
type Times = z.output<typeof Times>;

/** A request without a key and with an unknown query. Every function rejects it before it reads the table. */
const refused = (routeKey: string) => ({
  ...gatewayEvent({ query: { nonsense: '1' } }),
  routeKey,
  rawPath: routeKey.replace(/^\w+ /, ''),
});

async function startOnce(
  { file, files }: Bundle,
  nodeOptions: string,
  routeKey: string | null,
): Promise<Times> {
  const request = routeKey === null ? '' : JSON.stringify(refused(routeKey));
  const urls = files.map((name) => pathToFileURL(join(dirname(file), name)).href);
  const child = spawn(process.execPath, [CHILD, pathToFileURL(file).href, request, ...urls], {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
    env: {
      // The variables of a deployed function.
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      STAGE: 'bench',
      TABLE_NAME: 'bench',
      STRIPE_WEBHOOK_SECRETS: 'whsec_bench',
      ...OUTPUT,
      NODE_OPTIONS: nodeOptions,
    },
  });
  const pipe = child.stdio[3];
  if (!(pipe instanceof Readable)) throw new Error('a child process has no pipe');
  const [output, [code]] = await Promise.all([text(pipe), once(child, 'exit')]);
  if (code !== 0) throw new Error(`${file} did not start: exit code ${code}`);
  return Times.parse(JSON.parse(output));
}
