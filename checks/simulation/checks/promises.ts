import { keys } from '../../../lib/store/keys.ts';
import type { Stored } from './stored.ts';

/** An answer that a caller can rely on. */
export type Promised =
  | {
      readonly kind: 'recorded' | 'billed' | 'blocked' | 'declined';
      readonly customerId: string;
      readonly fixId: string;
    }
  | { readonly kind: 'adjusted'; readonly customerId: string; readonly key: string }
  | { readonly kind: 'key_issued' | 'key_revoked'; readonly customerId: string; readonly keyId: string }
  | { readonly kind: 'onboarded'; readonly customerId: string }
  | { readonly kind: 'event_taken'; readonly eventId: string };

/** Answers that the stored items contradict. */
export function brokenPromises(promises: readonly Promised[], stored: Stored): string[] {
  return promises
    .filter((promised) => !isKept(promised, stored))
    .map((promised) => `broken promise: ${JSON.stringify(promised)}`);
}

function isKept(promised: Promised, stored: Stored): boolean {
  switch (promised.kind) {
    case 'recorded':
      return stored.find(keys.fix(promised.customerId, promised.fixId)) !== undefined;
    case 'billed':
      return stored.find(keys.fix(promised.customerId, promised.fixId))?.['billed'] !== undefined;
    case 'blocked':
      return stored
        .under(keys.customer(promised.customerId), 'NOTICE#fix_blocked#')
        .some((item) => String(item['sk']).endsWith(`-${promised.fixId}`));
    case 'declined':
      // There is one letter per card and day, for all declined fixes. A concurrent call may block the fix.
      return (
        stored.under(keys.customer(promised.customerId), 'NOTICE#card_declined#').length > 0 ||
        isKept({ ...promised, kind: 'blocked' }, stored)
      );
    case 'adjusted':
      return stored.find(keys.once(promised.customerId, 'adjustment', promised.key)) !== undefined;
    case 'key_issued':
      return stored.find(keys.apiKey(promised.customerId, promised.keyId)) !== undefined;
    case 'key_revoked':
      return stored.find(keys.apiKey(promised.customerId, promised.keyId))?.['revoked_at'] !== undefined;
    case 'onboarded':
      return stored.find(keys.head(promised.customerId)) !== undefined;
    case 'event_taken':
      return stored.find(keys.event(promised.eventId)) !== undefined;
    default:
      return promised satisfies never;
  }
}
