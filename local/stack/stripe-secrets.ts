import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { errorCode } from '../../lib/settings/setup-error.ts';

/*
 * The API key and the webhook secret that belong to the Stripe double's stored state. The state does not
 * contain them, and the double returns the webhook secret only once. So a restarted stack reads them from a
 * file beside the data, which is acceptable on a local machine.
 */

const FILE = 'stripe.json';

const Endpoint = z.object({ id: z.string(), secret: z.string() });
const Stored = z.object({ secretKey: z.optional(z.string()), webhookEndpoint: z.optional(Endpoint) });

export type StoredEndpoint = z.output<typeof Endpoint>;
type Stored = z.output<typeof Stored>;

export interface StripeSecrets {
  /** Empty if nothing readable is stored. */
  read(): Stored;
  /** Merges these secrets into the stored ones. */
  write(more: Stored): void;
}

/** Stored in `dataDir`, or only in memory. */
export function openStripeSecrets(dataDir: string | undefined): StripeSecrets {
  const file = dataDir === undefined ? null : join(dataDir, FILE);
  let stored = file === null ? {} : readStored(file);
  return {
    read: () => stored,
    write: (more) => {
      stored = { ...stored, ...more };
      if (file !== null) replaceFile(file, JSON.stringify(stored));
    },
  };
}

/** Atomic: a killed process leaves the old or the new file, never a part. */
function replaceFile(file: string, text: string): void {
  const next = `${file}.next`;
  writeFileSync(next, text, { mode: 0o600 });
  renameSync(next, file);
}

function readStored(file: string): Stored {
  try {
    return Stored.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data ?? {};
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || error instanceof SyntaxError) return {};
    throw error;
  }
}
