import { expect, vi } from 'vitest';
import { MARKER } from './hostile.ts';

export interface CapturedLog {
  /** All that was logged since this was asked last. */
  take(): string;
  end(): void;
}

/** Keeps what is logged from the console until `end`. */
export function captureLog(): CapturedLog {
  const lines: string[] = [];
  const spies = (['log', 'info', 'warn', 'error', 'debug'] as const).map((method) =>
    vi
      .spyOn(console, method)
      .mockImplementation((...args: unknown[]) => void lines.push(args.map(String).join(' '))),
  );
  return {
    take: () => lines.splice(0).join('\n'),
    end: () => {
      for (const spy of spies) spy.mockRestore();
    },
  };
}

/** One line for the request, and in no line what it said, an API key or an e-mail address. */
export function expectDiscreet(lines: string, requestId: string): void {
  expect(lines.split(requestId)).toHaveLength(2);
  expect(lines.toLowerCase()).not.toContain(MARKER);
  expect(lines).not.toMatch(API_KEY);
  expect(lines).not.toMatch(/[\w.+-]+@[\w-]+\.\w/);
}

/** One that could be used. */
export const API_KEY = /rsolv_[0-9a-f]{32}_[A-Za-z0-9_-]{43}/;
