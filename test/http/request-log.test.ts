import { randomBytes } from 'node:crypto';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { api, call, type SignedUp, signUp } from '../support/http.ts';
import { serveFromTestTable } from '../support/http-table.ts';
import { otherEndpoint } from '../support/other-endpoint.ts';

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
  it('the log line of a request names its own customer, and never another one, when requests overlap', async () => {
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

  it('the log lines of a sign-up leave out the address and the name, whether it succeeds or not', async () => {
    const local = `jane.doe.${randomBytes(4).toString('hex')}`;
    const email = `${local}@customer.example`;
    const lines: string[] = [];
    for (const level of ['debug', 'info', 'warn', 'error', 'log'] as const)
      vi.spyOn(console, level).mockImplementation((...said) => void lines.push(said.map(String).join(' ')));
    const post = (body: unknown) => call(api.onboardCustomer, { body });
    const answers = [
      await post({ name: 'Jane Q. Doe', email }),
      await post({ name: 'Jane Q. Doe', email }),
      await post({ name: 'Jane Q. Doe', email: `${local}@mailinator.com` }),
      await post({ name: 'Jane Q. Doe', email: `${local} at customer.example` }),
    ];
    vi.restoreAllMocks();
    expect(answers.map(({ status }) => status)).toEqual([201, 409, 422, 422]);
    expect(lines.length).toBeGreaterThanOrEqual(answers.length);
    for (const line of lines) expect(line).not.toMatch(/jane|Q\. Doe|@customer|mailinator/i);
  });

  it('the log line of a failed health check says why the table could not be read', async () => {
    const endpoint = otherEndpoint();
    const broken = await endpoint.start('http://127.0.0.1:9');
    const lines: string[] = [];
    vi.spyOn(console, 'error').mockImplementation((line) => void lines.push(String(line)));
    await call(broken.health);
    endpoint.restore();
    expect(lines.map((line): unknown => JSON.parse(line))).toEqual([
      expect.objectContaining({
        message: 'request',
        code: 'ledger_unavailable',
        error: expect.objectContaining({
          cause: expect.objectContaining({ message: expect.stringContaining('ECONNREFUSED') }),
        }),
      }),
    ]);
  });

  it('the log line of a request says what it waited for, how much time was left, and its id at the gateway', async () => {
    const [customer] = customers;
    const lines = await requestLines(() => call(api.getUsage, { apiKey: customer?.apiKey ?? '' }));
    expect([...lines.values()]).toEqual([
      expect.objectContaining({
        gateway_request_id: 'gateway',
        dynamodb_calls: 2,
        dynamodb_ms: expect.any(Number),
        left_ms: 28_000,
      }),
    ]);
    const [line = {}] = lines.values();
    expect(line).not.toHaveProperty('dynamodb_retries');
    expect(line).not.toHaveProperty('stripe_calls');
  });
});
