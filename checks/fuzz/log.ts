import { expect, vi } from 'vitest';
import { MARKER } from './hostile.ts';

export interface CapturedLog {
  /** Everything logged since the last call. */
  take(): string;
  end(): void;
}

/** Captures console output until `end`. */
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

/** Expects one line for the request, and no line with its content, an API key or an e-mail address. */
export function expectDiscreet(lines: string, requestId: string): void {
  expect(lines.split(requestId)).toHaveLength(2);
  expect(lines.toLowerCase()).not.toContain(MARKER);
  expect(lines).not.toMatch(API_KEY);
  expect(lines).not.toMatch(/[\w.+-]+@[\w-]+\.\w/);
}

/** A complete, usable key. */
export const API_KEY = /rsolv_[0-9a-f]{32}_[A-Za-z0-9_-]{43}/;
