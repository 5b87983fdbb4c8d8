import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { runningStack } from '../../cli/stage/running.ts';
import { openSetupStripe } from '../../lib/stripe/setup/open.ts';
import { type RunningStack, startStack } from '../../test/support/running-stack.ts';

function accountOf({ port }: RunningStack) {
  const { stripe: settings } = runningStack(port);
  return { settings, stripe: openSetupStripe(settings.secretKey, settings.apiBase) };
}

it('DATA_DIR keeps the demo customer, the ledger and the Stripe double through kill -9', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'rsolv-billing-stripe-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true }));
  const killed = await startStack({ DATA_DIR: dataDir });
  const first = accountOf(killed);
  const customer = await first.stripe.customers.create({ email: 'ada@customer.example' });
  await killed.end('SIGKILL');

  const stack = await startStack({ DATA_DIR: dataDir });
  try {
    const second = accountOf(stack);
    expect(second.settings).toEqual({ ...first.settings, apiBase: second.settings.apiBase });
    expect((await second.stripe.customers.retrieve(customer.id)).id).toBe(customer.id);
    const url = `http://127.0.0.1:${stack.port}/api/webhooks/stripe`;
    expect((await second.stripe.webhookEndpoints.list()).data.map((one) => one.url)).toEqual([url]);
    expect([stack.customerId, stack.apiKey]).toEqual([killed.customerId, killed.apiKey]);
    const usage = await fetch(`${stack.url}/api/v1/usage`, { headers: { 'x-api-key': stack.apiKey } });
    expect(usage.status).toBe(200);
  } finally {
    expect(await stack.end('SIGTERM')).toBe(0);
  }
});
