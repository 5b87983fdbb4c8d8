import type { KeyScope } from '../api-key.ts';

/** What a new key may do, and which keys it ended. */
export interface KeyEffects {
  readonly scope: KeyScope;
  /** The id of the key that it replaced; null if it replaced none. */
  readonly replaced: string | null;
  /** How many other keys were revoked: all others, or 0. */
  readonly ended: number;
}

export type Issuer = 'sign_up' | 'customer' | 'operator';

export type KeyNoticeContent =
  | ({ readonly kind: 'key_issued'; readonly keyId: string; readonly by: Issuer } & KeyEffects)
  | {
      readonly kind: 'key_revoked';
      readonly keyId: string;
      readonly scope: KeyScope;
      readonly by: 'customer' | 'operator';
    };
