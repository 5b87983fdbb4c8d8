import type { KeyScope } from '../api-key.ts';
import type { Notice } from '../notice.ts';
import type { Issuer, KeyEffects } from './key-content.ts';

/** A new key can act in the customer's name, so the customer gets a notice. */
export const keyIssued = (
  customerId: string,
  keyId: string,
  by: Issuer,
  at: Date,
  { scope = 'account', replaced = null, ended = 0 }: Partial<KeyEffects> = {},
): Notice => ({
  customerId,
  id: keyId,
  createdAt: at.toISOString(),
  content: { kind: 'key_issued', keyId, by, scope, replaced, ended },
});

/** A program that still uses a revoked key stops working, so the customer gets a notice. */
export const keyRevoked = (
  customerId: string,
  key: { readonly keyId: string; readonly scope: KeyScope; readonly by: 'customer' | 'operator' },
  at: Date,
): Notice => ({
  customerId,
  id: key.keyId,
  createdAt: at.toISOString(),
  content: { kind: 'key_revoked', ...key },
});
