import { createHash } from 'node:crypto';

const PATTERN = /^rsolv_([0-9a-f]{32})_[A-Za-z0-9_-]{43}$/;
const PATTERN_ANYWHERE = /rsolv_[0-9a-f]{32}_[A-Za-z0-9_-]{43}/g;

/** Active keys per customer: enough to rotate, few enough to survey. */
export const MAX_ACTIVE_KEYS = 10;

/** `fixes`: for RSOLV-action in CI. `account`: for people and their own systems. */
export const KEY_SCOPES = ['fixes', 'account'] as const;
export type KeyScope = (typeof KEY_SCOPES)[number];

/** The calls that a key of each scope may make, by the scope that they need. */
const PERMITTED: Readonly<Record<KeyScope, readonly KeyScope[]>> = {
  fixes: ['fixes'],
  account: ['fixes', 'account'],
};

export const permits = (scope: KeyScope, needed: KeyScope): boolean => PERMITTED[scope].includes(needed);

/** The fewest characters that name a key. Letters show as many. */
export const MIN_KEY_PREFIX = 8;

/** The beginning of a key's id, as letters and lists show it. */
export const shortKeyId = (keyId: string): string => keyId.slice(0, MIN_KEY_PREFIX);

/** A presented key: its owner and its stored id. The secret itself is not passed on. */
export interface PresentedKey {
  readonly customerId: string;
  readonly keyId: string;
}

/** @param secret 32 random bytes */
export function formatApiKey(customerId: string, secret: Uint8Array): string {
  return `rsolv_${customerId}_${Buffer.from(secret).toString('base64url')}`;
}

/** A key's id is the SHA-256 of the key, so what is stored cannot be used to sign in. */
export function apiKeyId(apiKey: string): string {
  return createHash('sha256').update(apiKey).digest('hex');
}

/** Null if the text cannot be a key. Then nothing is looked up. */
export function parseApiKey(text: string): PresentedKey | null {
  const customerId = PATTERN.exec(text)?.[1];
  return customerId === undefined ? null : { customerId, keyId: apiKeyId(text) };
}

/** Redacts every key in a text. RSOLV-action sends its own key along with what it records. */
export function redactApiKeys(text: string): string {
  return text.replace(PATTERN_ANYWHERE, 'rsolv_[redacted]');
}
