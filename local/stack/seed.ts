import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { localDeps } from '../../cli/stage/local-deps.ts';
import { authenticate } from '../../lib/http/authenticate.ts';
import { onboardCustomer } from '../../lib/operations/accounts/onboard-customer.ts';
import { existingHead } from '../../lib/operations/ledger/require-item.ts';
import type { Deps } from '../../lib/runtime/deps.ts';
import { errorCode } from '../../lib/settings/setup-error.ts';
import type { StripeSettings } from '../../lib/settings/stripe-environment.ts';
import { keys } from '../../lib/store/keys.ts';

/** The table keeps only the key's hash; on one's own machine the key itself may stay beside the data. */
const DEMO_FILE = 'demo-customer.json';
const DemoFile = z.object({ api_key: z.string() });

export interface DemoCustomer {
  readonly customerId: string;
  readonly apiKey: string;
  readonly balance: number;
}

export interface SeedOptions {
  readonly endpoint: string;
  readonly tableName: string;
  readonly stripe: StripeSettings;
  readonly dataDir: string | undefined;
}

/** A customer to try things with: the one kept in `dataDir`, if their key still works, or a new one. */
export async function seedDemoCustomer({
  endpoint,
  tableName,
  stripe,
  dataDir,
}: SeedOptions): Promise<DemoCustomer> {
  const deps = localDeps(endpoint, tableName, stripe);
  try {
    const file = dataDir === undefined ? null : join(dataDir, DEMO_FILE);
    return (file && (await keptCustomer(deps, file))) || (await newCustomer(deps, file));
  } finally {
    deps.table.client.destroy();
  }
}

async function newCustomer(deps: Deps, file: string | null): Promise<DemoCustomer> {
  const email = `demo-${randomBytes(4).toString('hex')}@rsolv.example`;
  const { head, apiKey } = await onboardCustomer(deps, { name: 'Demo customer', email, source: 'local' });
  if (file !== null) writeFileSync(file, JSON.stringify({ api_key: apiKey }), { mode: 0o600 });
  return { customerId: head.customerId, apiKey, balance: head.balance };
}

async function keptCustomer({ table }: Deps, file: string): Promise<DemoCustomer | null> {
  const apiKey = keptKey(file);
  if (apiKey === null) return null;
  const found = await authenticate(table, apiKey, (id) => [keys.head(id)]).catch(() => null);
  if (found === null) return null;
  const { customerId, balance } = existingHead(found.items[0], found.customerId);
  return { customerId, apiKey, balance };
}

function keptKey(file: string): string | null {
  try {
    const kept = DemoFile.safeParse(JSON.parse(readFileSync(file, 'utf8')));
    return kept.success ? kept.data.api_key : null;
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || error instanceof SyntaxError) return null;
    throw error;
  }
}
