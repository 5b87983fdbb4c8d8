import * as z from 'zod/mini';
import { SetupError } from '../../lib/settings/setup-error.ts';

const TIMEOUT_MS = 30_000;
const NewCard = z.object({ payment_method: z.string() });

/** What the journey does to the Stripe double that nobody can do to Stripe. */
export interface DoubleControls {
  /** A payment method of a card that nobody else has. */
  newCard(): Promise<string>;
  /** Ahead, for everybody whom the double knows. */
  moveClockTo(unixSeconds: number): Promise<void>;
}

/** Null where no double answers: there is no other Stripe whose clock can be moved. */
export async function doubleAt(apiBase: string | undefined): Promise<DoubleControls | null> {
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
