import * as z from 'zod/mini';
import { SetupError } from '../../lib/settings/setup-error.ts';

const TIMEOUT_MS = 30_000;
const NewCard = z.object({ payment_method: z.string() });

/** Actions on the Stripe double that are not possible at Stripe. */
export interface DoubleControls {
  /** Creates a payment method with a new, unique card. */
  newCard(): Promise<string>;
  /** Moves the clock forward, for all customers of the double. */
  moveClockTo(unixSeconds: number): Promise<void>;
}

/** Null if no double answers at the address. */
export async function connectDouble(apiBase: string | undefined): Promise<DoubleControls | null> {
  if (apiBase === undefined || !(await isDouble(apiBase))) return null;
  const control = async (path: string, input: object): Promise<unknown> => {
    const response = await fetch(`${apiBase}/_double/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(input),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await response.text();
    if (!response.ok) throw new SetupError(`The Stripe double answered ${response.status}: ${text}`);
    return JSON.parse(text);
  };
  return {
    newCard: async () => NewCard.parse(await control('cards', {})).payment_method,
    moveClockTo: async (unixSeconds) => {
      await control('clock', { to: unixSeconds });
    },
  };
}

async function isDouble(apiBase: string): Promise<boolean> {
  try {
    const response = await fetch(`${apiBase}/_double/calls`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}
