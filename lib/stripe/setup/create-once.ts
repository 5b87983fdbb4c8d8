import { SetupError } from '../../settings/setup-error.ts';

/** An object at Stripe, and what was done for it. */
export interface Ensured {
  readonly id: string;
  readonly outcome: 'created' | 'found' | 'updated';
  /** Remarks for the operator, a line each. */
  readonly notes: readonly string[];
}

const MAX_STALE_ANSWERS = 8;

/**
 * Creates a thing under an idempotency key made of what it is, so that two who find it missing at the same time make one.
 * Stripe keeps the answer to a key for a day, even if the thing is deleted or changed meanwhile; then a next key is tried,
 * again the same one for everybody.
 */
export async function createOnce<T extends { readonly id: string }>(
  what: readonly (string | number)[],
  create: (idempotencyKey: string) => Promise<T>,
  isThere: (made: T) => Promise<boolean>,
): Promise<T> {
  let after = '';
  for (let tries = 0; tries < MAX_STALE_ANSWERS; tries += 1) {
    const made = await create(['rsolv-setup', ...what, after].join('/'));
    if (await isThere(made)) return made;
    after = made.id;
  }
  throw new SetupError(
    `What Stripe answers to be created (${after}) is not there, ${MAX_STALE_ANSWERS} times over. Try again tomorrow.`,
  );
}
