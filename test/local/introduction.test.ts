import { describe, expect, it } from 'vitest';
import { curlLines, proxyLine } from '../../local/stack/curl-lines.ts';
import { introduction } from '../../local/stack/introduction.ts';

const KEY = `rsolv_${'0'.repeat(32)}_${'k'.repeat(43)}`;
/** Lines that npm and the progress display print before the introduction. */
const LINES_BEFORE = 9;

const STACK = {
  url: 'http://localhost:40000',
  engine: 'Dynoxide 1.2.1, in memory',
  tableName: 'rsolv-billing-dev',
  stripe: {
    describe: 'Stripe double   http://127.0.0.1:8420   (cards, charges, deliveries; no real money)',
    doubleUrl: 'http://127.0.0.1:8420',
  },
  mailbox: { url: 'http://127.0.0.1:8425', file: '/src/rsolv-billing/.cache/mailbox-40000.jsonl' },
  debugUrl: 'http://127.0.0.1:9229',
  customer: { customerId: '0'.repeat(32), apiKey: KEY, balance: 5 },
};
const introduced = (env: NodeJS.ProcessEnv = {}) =>
  introduction(STACK, { env, folder: '/src/rsolv-billing', watch: false });

describe('the introduction of npm start', () => {
  it('the introduction has at most 30 lines with those before it, and its last line says ready', () => {
    const lines = introduced();
    expect(LINES_BEFORE + lines.length).toBeLessThanOrEqual(30);
    expect(lines.at(-1)).toBe('ready http://localhost:40000');
  });

  it('the introduction prints the API key once, in the export line', () => {
    const lines = introduced();
    const [exported, ...more] = lines.filter((line) => line.includes(KEY));
    expect(more).toEqual([]);
    expect(exported).toBe(`export RSOLV_API=http://localhost:40000 RSOLV_API_KEY=${KEY}`);
  });

  it('the introduction has no line over 110 columns except the export line', () => {
    const wide = introduced().filter((line) => line.length > 110 && !line.startsWith('export '));
    expect(wide).toEqual([]);
  });

  it('the introduction has six calls that use variables for the address and the key', () => {
    const lines = curlLines();
    expect(lines.filter((line) => line.startsWith('curl '))).toHaveLength(6);
    expect(lines.filter((line) => line.includes('$RSOLV_API/'))).toHaveLength(6);
    expect(lines.filter((line) => /localhost|127\.0\.0\.1|rsolv_/.test(line))).toEqual([]);
  });

  it('the introduction exports no_proxy if curl would use a proxy for this machine', () => {
    const proxied = { http_proxy: 'http://proxy.example:3128' };
    expect(proxyLine(proxied)).toBe('export no_proxy=localhost,127.0.0.1,::1');
    expect(proxyLine({ ...proxied, NO_PROXY: 'corp.example' })).toBe(
      'export no_proxy=corp.example,localhost,127.0.0.1,::1',
    );
    expect(proxyLine({ ...proxied, no_proxy: 'localhost' })).toBeNull();
    expect(proxyLine({})).toBeNull();
    const { http_proxy: _, ...none } = proxied;
    expect(introduced(proxied)).toHaveLength(introduced(none).length + 1);
  });
});
