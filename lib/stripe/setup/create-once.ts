import { SetupError } from '../../settings/setup-error.ts';

/** An object at Stripe, and whether it was created, found or updated. */
export interface Ensured {
  readonly id: string;
  readonly outcome: 'created' | 'found' | 'updated';
  /** Remarks for the operator, one per line. */
  readonly notes: readonly string[];
}

const MAX_STALE_ANSWERS = 8;

/**
 * Creates an object under an idempotency key made of its content, so that concurrent callers create one.
 * Stripe stores the answer of a key for a day, even if the object is deleted or changed. Then the next key is
 * tried, in the same order for all callers.
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
    `Stripe returned a deleted or changed object (${after}) ${MAX_STALE_ANSWERS} times. Try again tomorrow.`,
  );
}
