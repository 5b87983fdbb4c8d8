import { redactApiKeys } from '../domain/api-key.ts';
import type { ParsedEvent } from './input.ts';

/** Where a request came from. */
export interface Source {
  /** The caller's address according to the gateway; a header could be forged. */
  readonly sourceIp: string;
  /** Shortened, with keys made unusable; null if the caller sent none. */
  readonly userAgent: string | null;
}

const MAX_USER_AGENT = 200;

export function sourceOf({ requestContext, headers }: ParsedEvent): Source {
  const sent = headers['user-agent']?.slice(0, MAX_USER_AGENT).toWellFormed().trim() ?? '';
  return {
    sourceIp: requestContext.http.sourceIp,
    userAgent: sent === '' ? null : redactApiKeys(sent),
  };
}
