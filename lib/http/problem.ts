import { redactApiKeys } from '../domain/api-key.ts';
import { BillingError, PROBLEMS, type ProblemCode } from '../errors.ts';
import type { Reply } from './reply.ts';

const INTERNAL_DETAIL =
  'It is safe to send the same request again. If it fails again, tell support the request id.';

/** Converts any failure to a public error. */
export function toBillingError(error: unknown): BillingError {
  if (error instanceof BillingError) return error;
  return new BillingError('internal_error', INTERNAL_DETAIL, {}, { cause: error });
}

/**
 * RFC 9457. `error` repeats the detail for clients that predate problem documents.
 * @param ownUrl the address that the request was sent to; null if it is unknown
 */
export function problemReply(
  { code, message, facts }: BillingError,
  requestId: string,
  ownUrl: string | null = null,
): Reply {
  const { retryAfterSeconds, limit: _, action: exact, ...extensions } = facts;
  const {
    status,
    title,
    ...known
  }: { status: number; title: string; retryAfterSeconds?: number; action?: string } = PROBLEMS[code];
  const action = exact ?? known.action;
  const detail = redactApiKeys(message);
  const wait = retryAfterSeconds ?? known.retryAfterSeconds;
  return {
    status,
    headers: {
      'content-type': 'application/problem+json',
      ...(wait === undefined ? {} : { 'retry-after': String(wait) }),
      ...(status === 401 ? { 'www-authenticate': 'ApiKey header="x-api-key"' } : {}),
    },
    body: {
      type: problemType(code),
      title,
      status,
      detail,
      code,
      error: detail,
      request_id: requestId,
      ...(action !== undefined && ownUrl !== null && { action_url: ownUrl + action }),
      ...extensions,
    },
  };
}

/** Relative to the API, which explains each code on its documentation page. */
export const problemType = (code: ProblemCode): string => `/docs#${code}`;
