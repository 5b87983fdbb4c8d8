import { vi } from 'vitest';

/** Fresh copies of the functions, started against another endpoint; `restore` points the environment back. */
export function otherEndpoint() {
  const original = process.env['DYNAMODB_ENDPOINT'];
  return {
    async start(url: string) {
      process.env['DYNAMODB_ENDPOINT'] = url;
      vi.resetModules();
      const { api: fresh } = await import('./http.ts');
      return fresh;
    },
    restore() {
      if (original !== undefined) process.env['DYNAMODB_ENDPOINT'] = original;
    },
  };
}
