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
  /** The DynamoDB engine. */
  readonly endpoint: string;
  readonly lambdaEndpoint: string;
  readonly tableName: string;
  /** How far the clock of the Stripe double is ahead. Null without a double. */
  readonly aheadMs: AheadMs | null;
  /** Resolves when the functions can be invoked, or the signal aborts. */
  readonly untilUp: (signal: AbortSignal) => Promise<void>;
  readonly onLine: (line: string) => void;
}

/**
 * Runs the functions without HTTP: those of the table's stream, and the schedules after a clock was moved.
 */
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
  const reportError = (message: string) => (error: unknown) => {
    if (!signal.aborted) onLine(`${message}: ${reasonOf(error)}`);
  };

  const work = sources.map((source) =>
    runEventSource({
      table,
      source,
      signal,
      invoke: async (event) => BatchAnswer.parse(await invoke(source.functionName, event)),
      onDeadLetter: ({ dynamodb: { Keys } }) =>
        onLine(`dead letter: ${source.functionName} gave up on ${Keys['pk']?.S} ${Keys['sk']?.S}`),
      onUnreachable: reportError(
        `the table does not answer; ${source.functionName} gets no stream records until it does`,
      ),
    }).catch(reportError(`the stream to ${source.functionName} has stopped`)),
  );
  if (aheadMs !== null) {
    const run = async (name: string) => {
      await invoke(name, {}).catch(reportError(`${name} did not run`));
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
