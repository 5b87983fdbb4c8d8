import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { api, call, type SignedUp, signUp } from '../support/http.ts';
import { serveFromTestTable } from '../support/http-table.ts';

const CUSTOMERS = 5;

let customers: readonly SignedUp[];
beforeAll(async () => {
  await serveFromTestTable();
  customers = await Promise.all(Array.from({ length: CUSTOMERS }, () => signUp()));
});
afterEach(() => vi.restoreAllMocks());

/** The request lines that were logged during `work`, by request id. */
async function requestLines(work: () => Promise<unknown>): Promise<Map<string, Record<string, unknown>>> {
  const lines: string[] = [];
  vi.spyOn(console, 'info').mockImplementation((line) => void lines.push(String(line)));
  await work();
  return new Map(
    lines
      .map((line): Record<string, unknown> => JSON.parse(line))
      .filter(({ message }) => message === 'request')
      .map((line) => [String(line['request_id']), line]),
  );
}

describe('the log line of a request', () => {
  it('names its own customer, and never another one, when requests overlap', async () => {
    const sent: { readonly requestId: string; readonly customerId: string | undefined }[] = [];
    const ask = async (apiKey: string, customerId: string | undefined) => {
      const { headers } = await call(api.getUsage, { apiKey });
      sent.push({ requestId: String(headers['x-request-id']), customerId });
    };
    const lines = await requestLines(() =>
      Promise.all([
        ...customers.map(({ apiKey, customerId }) => ask(apiKey, customerId)),
        ask('nonsense', undefined),
        ...customers.map(({ apiKey, customerId }) => ask(apiKey, customerId)),
      ]),
    );
    expect(sent).toHaveLength(2 * CUSTOMERS + 1);
    for (const { requestId, customerId } of sent)
      expect(lines.get(requestId)?.['customer_id']).toBe(customerId);
  });
});
