import * as z from 'zod/mini';
import { LOCAL_STAGE } from '../../cli/stage/serverless-file.ts';
import { reasonOf } from '../../lib/settings/setup-error.ts';
import { openTable } from '../../lib/store/table.ts';
import { runEventSource } from './event-source.ts';
import { LocalFunctions } from './functions.ts';
import { type AheadMs, followMovedClock } from './moved-clock.ts';
import { readTriggers } from './triggers.ts';

const BatchAnswer = z.object({ batchItemFailures: z.array(z.object({ itemIdentifier: z.string() })) });

export interface BackgroundOptions {
  /** The engine's. */
  readonly endpoint: string;
  readonly lambdaEndpoint: string;
  readonly tableName: string;
  /** How far the clock of the Stripe double is ahead; null where there is none. */
  readonly aheadMs: AheadMs | null;
  /** Resolves when the functions can be called, or the signal aborts. */
  readonly untilUp: (signal: AbortSignal) => Promise<void>;
  readonly onLine: (line: string) => void;
}

/** What nobody calls over HTTP: what the table's stream would bring, and the schedules of a clock that was moved. */
export function startBackground(options: BackgroundOptions): { stop(): Promise<void> } {
  const { endpoint, lambdaEndpoint, tableName, aheadMs, untilUp, onLine } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const functions = new LocalFunctions(lambdaEndpoint);
  const invoke = async (name: string, event: unknown) => {
    await untilUp(signal);
    return functions.invoke(name, event);
  };
  const table = openTable({ tableName, stage: LOCAL_STAGE, dynamodbEndpoint: endpoint });
  const { sources, rates } = readTriggers();
  const say = (what: string) => (error: unknown) => {
    if (!signal.aborted) onLine(`${what}: ${reasonOf(error)}`);
  };

  const work = sources.map((source) =>
    runEventSource({
      table,
      source,
      signal,
      invoke: async (event) => BatchAnswer.parse(await invoke(source.functionName, event)),
      onDeadLetter: ({ dynamodb }) =>
        onLine(
          `dead letter: ${source.functionName} gave up on ${dynamodb.Keys['pk']?.S} ${dynamodb.Keys['sk']?.S}`,
        ),
      onAway: say(`the stream waits for the table; ${source.functionName} hears of nothing until it is back`),
    }).catch(say(`the stream does not reach ${source.functionName} any more`)),
  );
  if (aheadMs !== null) {
    const run = async (name: string) => {
      await invoke(name, {}).catch(say(`${name} did not run`));
    };
    work.push(followMovedClock({ aheadMs, rates, run, signal }));
  }
  return {
    stop: async () => {
      stopping.abort();
      await Promise.all(work);
      functions.close();
      table.client.destroy();
    },
  };
}
