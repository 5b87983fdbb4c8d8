import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import * as z from 'zod/mini';
import { PROJECT_ROOT } from '../../cli/stage/serverless-file.ts';

/* The triggers of functions other than HTTP, from serverless.yml. */

const Functions = z.object({
  functions: z.record(
    z.string(),
    z.object({
      events: z.optional(
        z.array(
          z.looseObject({
            schedule: z.optional(z.string()),
            stream: z.optional(
              z.object({
                batchSize: z.int(),
                maximumRetryAttempts: z.int(),
                filterPatterns: z.array(z.unknown()),
              }),
            ),
          }),
        ),
      ),
    }),
  ),
});

/** The delivery of the table's stream to a function. */
export interface EventSource {
  readonly functionName: string;
  readonly batchSize: number;
  /** Not counting the first try. */
  readonly maximumRetryAttempts: number;
  readonly filters: readonly unknown[];
}

/** A function that runs at a fixed interval. */
export interface Rate {
  readonly functionName: string;
  readonly everyMs: number;
}

export interface Triggers {
  readonly sources: readonly EventSource[];
  /** Only schedules with a rate, not those with a time of day. */
  readonly rates: readonly Rate[];
}

export function readTriggers(): Triggers {
  const text = readFileSync(join(PROJECT_ROOT, 'serverless.yml'), 'utf8');
  const { functions } = Functions.parse(parse(text, { logLevel: 'error' }));
  const events = Object.entries(functions).flatMap(([functionName, { events: all = [] }]) =>
    all.map((event) => ({ functionName, ...event })),
  );
  return {
    sources: events.flatMap(({ functionName, stream }) => {
      if (stream === undefined) return [];
      const { batchSize, maximumRetryAttempts, filterPatterns: filters } = stream;
      return [{ functionName, batchSize, maximumRetryAttempts, filters }];
    }),
    rates: events.flatMap(({ functionName, schedule }) => {
      const everyMs = schedule === undefined ? null : rateMs(schedule);
      return everyMs === null ? [] : [{ functionName, everyMs }];
    }),
  };
}

const MINUTE_MS = 60_000;
const UNIT_MS: Readonly<Record<string, number>> = {
  minute: MINUTE_MS,
  hour: 60 * MINUTE_MS,
  day: 24 * 60 * MINUTE_MS,
};

function rateMs(schedule: string): number | null {
  const [, count, unit] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(schedule) ?? [];
  const unitMs = unit === undefined ? undefined : UNIT_MS[unit];
  return unitMs === undefined ? null : Number(count) * unitMs;
}
