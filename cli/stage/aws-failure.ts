import { errorCode, reasonOf } from '../../lib/settings/setup-error.ts';

/** A failure of AWS or of the network, and what to do about it. */
export interface AwsFailure {
  readonly code: string;
  readonly detail: string;
}

const NO_CREDENTIALS: AwsFailure = {
  code: 'no_credentials',
  detail: 'There are no AWS credentials. Sign in (aws sso login) or set AWS_PROFILE, and try again.',
};
const EXPIRED: AwsFailure = {
  code: 'credentials_expired',
  detail: 'The AWS credentials have expired. Sign in again (aws sso login) and repeat the command.',
};
const NOT_ACCEPTED: AwsFailure = {
  code: 'credentials_refused',
  detail: 'AWS rejects these credentials. Check AWS_PROFILE or AWS_ACCESS_KEY_ID, and sign in again.',
};
const THROTTLED: AwsFailure = {
  code: 'throttled',
  detail: 'AWS throttles the calls: too many at once. Wait a minute and repeat the command.',
};
const NO_REGION: AwsFailure = {
  code: 'no_region',
  detail:
    'No usable AWS region is set. Set AWS_REGION, or the region of your profile, to the region of the stage.',
};
const NO_TABLE: AwsFailure = {
  code: 'stage_not_found',
  detail: 'The stage has no table.',
};
const UNREACHABLE: AwsFailure = {
  code: 'stage_unreachable',
  detail: 'The stage does not answer. Check the network and AWS_REGION, and repeat the command.',
};

/** By error name of the SDK, or error code of Node. */
const KNOWN: Readonly<Record<string, AwsFailure>> = {
  CredentialsProviderError: NO_CREDENTIALS,
  TokenProviderError: EXPIRED,
  ExpiredToken: EXPIRED,
  ExpiredTokenException: EXPIRED,
  RequestExpired: EXPIRED,
  UnrecognizedClientException: NOT_ACCEPTED,
  InvalidClientTokenId: NOT_ACCEPTED,
  InvalidSignatureException: NOT_ACCEPTED,
  IncompleteSignature: NOT_ACCEPTED,
  MissingAuthenticationToken: NOT_ACCEPTED,
  ThrottlingException: THROTTLED,
  TooManyRequestsException: THROTTLED,
  ProvisionedThroughputExceededException: THROTTLED,
  RequestLimitExceeded: THROTTLED,
  TimeoutError: UNREACHABLE,
  ECONNREFUSED: UNREACHABLE,
  ECONNRESET: UNREACHABLE,
  ENOTFOUND: UNREACHABLE,
  EAI_AGAIN: UNREACHABLE,
  ETIMEDOUT: UNREACHABLE,
  EHOSTUNREACH: UNREACHABLE,
  ENETUNREACH: UNREACHABLE,
};

const DENIED: ReadonlySet<string> = new Set(['AccessDenied', 'AccessDeniedException', 'AuthorizationError']);

/**
 * Null if the error does not come from AWS. Also checks the causes, because the store wraps the SDK's errors.
 */
export function awsFailure(error: unknown): AwsFailure | null {
  for (const cause of causesOf(error)) {
    const known = KNOWN[cause.name] ?? KNOWN[errorCode(cause) ?? ''];
    if (known !== undefined) return known;
    if (DENIED.has(cause.name) || DENIED.has(errorCode(cause) ?? '')) {
      const detail = `Permission denied: ${reasonOf(cause)} Ask for the stage's operator role.`;
      return { code: 'access_denied', detail };
    }
    if (cause.name === 'ResourceNotFoundException') return NO_TABLE;
    if (/^Region (?:is missing|not accepted)/.test(cause.message)) return NO_REGION;
  }
  return null;
}

const MAX_CAUSES = 8;

/** The error and its causes, outermost first. */
function causesOf(error: unknown): Error[] {
  const causes: Error[] = [];
  let at = error;
  while (at instanceof Error && causes.length < MAX_CAUSES) {
    causes.push(at);
    at = at.cause;
  }
  return causes;
}
