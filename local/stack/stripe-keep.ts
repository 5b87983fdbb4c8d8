import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { errorCode } from '../../lib/settings/setup-error.ts';

/*
 * Secrets that the Stripe double's state was made under. The double tells the endpoint's only once, and neither is in its
 * state; on one's own machine they may stay beside the data.
 */

const FILE = 'stripe.json';

const Endpoint = z.object({ id: z.string(), secret: z.string() });
const Kept = z.object({ secretKey: z.optional(z.string()), webhookEndpoint: z.optional(Endpoint) });

export type KeptEndpoint = z.output<typeof Endpoint>;
type Kept = z.output<typeof Kept>;

export interface StripeKeep {
  /** Empty when nothing that can be read was kept. */
  read(): Kept;
  /** Adds to what is kept. */
  write(more: Kept): void;
}

/** In `dataDir`, or in memory only. */
export function stripeKeep(dataDir: string | undefined): StripeKeep {
  const file = dataDir === undefined ? null : join(dataDir, FILE);
  let kept = file === null ? {} : readKept(file);
  return {
    read: () => kept,
    write: (more) => {
      kept = { ...kept, ...more };
      if (file !== null) replaceFile(file, JSON.stringify(kept));
    },
  };
}

/** Whole or not at all, whenever we are killed. */
function replaceFile(file: string, text: string): void {
  const next = `${file}.next`;
  writeFileSync(next, text, { mode: 0o600 });
  renameSync(next, file);
}

function readKept(file: string): Kept {
  try {
    return Kept.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data ?? {};
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || error instanceof SyntaxError) return {};
    throw error;
  }
}
