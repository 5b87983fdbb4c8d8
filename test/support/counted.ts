import { vi } from 'vitest';
import * as z from 'zod/mini';

const Counted = z.object({
  service: z.literal('rsolv-billing'),
  _aws: z.object({
    CloudWatchMetrics: z.array(
      z.object({
        Dimensions: z.tuple([z.tuple([z.literal('service')])]),
        Metrics: z.array(z.object({ Name: z.string() })),
      }),
    ),
  }),
});

/**
 * The metrics in the log, in order. Each must have only the dimension `service`, because the alarms use that
 * one.
 */
export const countedIn = (lines: readonly string[]): string[] =>
  lines
    .filter((line) => line.includes('"_aws"'))
    .flatMap((line) =>
      Counted.parse(JSON.parse(line))._aws.CloudWatchMetrics.flatMap(({ Metrics }) =>
        Metrics.map(({ Name }) => Name),
      ),
    );

/** Captures the console output of `work` line by line and prints none of it. */
export async function heard<T>(
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly lines: string[] }> {
  const lines: string[] = [];
  const spies = (['log', 'info', 'warn', 'error', 'debug'] as const).map((method) =>
    vi
      .spyOn(console, method)
      .mockImplementation((...args: unknown[]) => void lines.push(args.map(String).join(' '))),
  );
  try {
    return { result: await work(), lines };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}
