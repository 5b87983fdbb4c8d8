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

/** The metrics in what was logged, in order. Each is counted by the name of the service alone, which is what the alarms look at. */
export const countedIn = (lines: readonly string[]): string[] =>
  lines
    .filter((line) => line.includes('"_aws"'))
    .flatMap((line) =>
      Counted.parse(JSON.parse(line))._aws.CloudWatchMetrics.flatMap(({ Metrics }) =>
        Metrics.map(({ Name }) => Name),
      ),
    );

/** What functions write while `work` runs, line by line; nothing of it is shown. */
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
