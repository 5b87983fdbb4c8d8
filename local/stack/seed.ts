import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { localDeps } from '../../cli/stage/local-deps.ts';
import { authenticate, presentedKey } from '../../lib/http/authenticate.ts';
import { onboardCustomer } from '../../lib/operations/accounts/onboard-customer.ts';
import { requireHead } from '../../lib/operations/ledger/require-item.ts';
import type { Deps } from '../../lib/runtime/deps.ts';
import { errorCode } from '../../lib/settings/setup-error.ts';
import type { StripeSettings } from '../../lib/settings/stripe-environment.ts';
import { keys } from '../../lib/store/keys.ts';
import type { Table } from '../../lib/store/table.ts';

/** The table stores only the key's hash. On a local machine the key itself may be stored beside the data. */
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

/** The demo customer: the stored one from `dataDir` if its key still works, otherwise a new one. */
export async function seedDemoCustomer({
  endpoint,
  tableName,
  stripe,
  dataDir,
}: SeedOptions): Promise<DemoCustomer> {
  const deps = localDeps(endpoint, tableName, stripe);
  try {
    const file = dataDir === undefined ? null : join(dataDir, DEMO_FILE);
    return (file && (await storedCustomer(deps, file))) || (await createCustomer(deps, file));
  } finally {
    deps.table.client.destroy();
  }
}

async function createCustomer(deps: Deps, file: string | null): Promise<DemoCustomer> {
  const email = `demo-${randomBytes(4).toString('hex')}@rsolv.example`;
  const { head, apiKey } = await onboardCustomer(deps, { name: 'Demo customer', email, source: 'local' });
  if (file !== null) writeFileSync(file, JSON.stringify({ api_key: apiKey }), { mode: 0o600 });
  return { customerId: head.customerId, apiKey, balance: head.balance };
}

async function storedCustomer({ table, now }: Deps, file: string): Promise<DemoCustomer | null> {
  const apiKey = storedKey(file);
  if (apiKey === null) return null;
  const found = await storedHead(table, apiKey, now()).catch(() => null);
  if (found === null) return null;
  const { customerId, balance } = requireHead(found.items[0], found.customerId);
  return { customerId, apiKey, balance };
}

/** @throws BillingError unless the table accepts the key */
const storedHead = async (table: Table, apiKey: string, now: Date) =>
  authenticate(table, presentedKey(apiKey), now, (id) => [keys.head(id)]);

function storedKey(file: string): string | null {
  try {
    const stored = DemoFile.safeParse(JSON.parse(readFileSync(file, 'utf8')));
    return stored.success ? stored.data.api_key : null;
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || error instanceof SyntaxError) return null;
    throw error;
  }
}
