import middy, { type MiddlewareObj, type Request } from '@middy/core';
import httpHeaderNormalizer from '@middy/http-header-normalizer';
import httpSecurityHeaders from '@middy/http-security-headers';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { BillingError } from '../errors.ts';
import { loggableError, logger } from '../runtime/observe.ts';
import { report } from '../runtime/report.ts';
import { callsTo, inRequest, requestFacts } from '../runtime/request-scope.ts';
import type { Contract } from './contract.ts';
import type { ParsedEvent } from './input.ts';
import { RequestLimits } from './limit-headers.ts';
import { ownAddress } from './own-address.ts';
import { problemReply, toBillingError } from './problem.ts';
import { type Reply, render } from './reply.ts';

export const MAX_BODY_BYTES = 64 * 1024;

export type Handler = (
  event: APIGatewayProxyEventV2,
  context: Context,
) => Promise<APIGatewayProxyStructuredResultV2>;

type Result = APIGatewayProxyStructuredResultV2;

/** A release that refuses everything answers like this, to callers whose key is good. */
const REFUSALS: ReadonlySet<number> = new Set([403, 422]);

/** What is learned about a request besides its reply. One object per request: requests never share it. */
export interface Notes {
  /** For the log line. */
  customerId?: string;
  /** The request had a valid API key. A page has a session instead, so it is no call of the API. */
  hasKey?: true;
  /** The smoke test or the probe signed the customer up. */
  isTest?: boolean;
  /** For the headers of the reply. */
  readonly limits: RequestLimits;
}

/** Lambda's context, with the service's own data for one request. */
type RequestContext = Context & { readonly notes: Notes };

type ChainRequest = Request<APIGatewayProxyEventV2, Reply | Result, Error, RequestContext>;
type Middleware = MiddlewareObj<APIGatewayProxyEventV2, Reply | Result, Error, RequestContext>;

/** What a handler needs to know of its call. */
export type Route = Pick<Contract, 'method' | 'path' | 'maxBodyBytes' | 'isSignUp'>;

/** How a failure is answered. */
type ProblemReply = (problem: BillingError, requestId: string, ownUrl: string | null) => Reply;

/** What differs by kind of call. Passed in, so that a page's function does not bundle the parser of JSON. */
interface Parts {
  /** Absent if the call takes no JSON. */
  readonly bodyParser?: Middleware | undefined;
  readonly problemAnswer?: ProblemReply;
}

/** A Lambda handler for one call: the parts common to all calls, around `answer`. */
export function handlerOf(
  contract: Route,
  answer: (event: ParsedEvent, notes: Notes) => Promise<Reply>,
  { bodyParser, problemAnswer = problemReply }: Parts = {},
): Handler {
  const chain = middy<APIGatewayProxyEventV2, Reply | Result, Error, RequestContext>();
  chain.use(httpSecurityHeaders({ permissionsPolicy: false }));
  chain.use(answerAndLog(contract, problemAnswer));
  chain.use(httpHeaderNormalizer());
  chain.use(limitBody(contract.maxBodyBytes ?? MAX_BODY_BYTES));
  if (bodyParser !== undefined) chain.use(bodyParser);
  chain.handler((event, { notes }) => answer(event, notes));
  return async (event, context) => {
    const result = await inRequest(
      () => context.getRemainingTimeInMillis(),
      () => chain(event, { ...context, notes: { limits: new RequestLimits() } }),
    );
    if (isReply(result)) throw new Error('a reply left without being rendered');
    return result;
  };
}

/** Turns the outcome of a request into its response, and writes the one log line of each request. */
function answerAndLog(contract: Route, problemAnswer: ProblemReply): Middleware {
  const route = `${contract.method} ${contract.path}`;
  let coldStart = true;
  const finish = (request: ChainRequest, reply: Reply, facts: Record<string, unknown> = {}) => {
    const { awsRequestId: requestId, notes } = request.context;
    const { customerId, isTest = false, limits } = notes;
    const { status } = reply;
    const line = {
      request_id: requestId,
      gateway_request_id: request.event.requestContext.requestId,
      route,
      status,
      ...(customerId !== undefined && { customer_id: customerId }),
      ...(isTest && { test_customer: true }),
      cold_start: coldStart,
      ...requestFacts(),
      ...facts,
    };
    coldStart = false;
    // Lambda counts such an answer as a success. Only this report raises an alarm or rolls a canary back.
    if (status === 500) report({ kind: 'defect' });
    if (notes.hasKey) reportAccepted(notes, status);
    else if (status === 401) report({ kind: 'key_refused' });
    if (status >= 500) logger.error('request', line);
    else logger.info('request', line);
    const { durationsMs, retries } = callsTo('stripe');
    if (durationsMs.length > 0) report({ kind: 'stripe_called', durationsMs, retries });
    request.response = render({ ...reply, headers: { ...limits.headers(), ...reply.headers } }, requestId);
  };
  return {
    after: (request) => {
      if (request.response && isReply(request.response)) finish(request, request.response);
    },
    onError: (request) => {
      const problem = toBillingError(request.error);
      const ownUrl = ownAddress(request.event.headers?.['host']);
      const reply = problemAnswer(problem, request.context.awsRequestId, ownUrl);
      const { code, facts } = problem;
      const { limit, retryAfterSeconds = 0 } = facts;
      if (code === 'rate_limited') report({ kind: 'rate_limited' });
      if (limit !== undefined) request.context.notes.limits.exhaust(limit, retryAfterSeconds);
      if (contract.isSignUp && reply.status < 500) report({ kind: 'sign_up_refused', code });
      finish(request, reply, {
        code,
        ...(limit !== undefined && { limit }),
        ...(reply.status >= 500 && { error: loggableError(problem) }),
      });
    },
  };
}

/**
 * Test customers are not counted: the probe must not end the silence of all others, and what it sees is
 * counted separately. A stranger with a test address hides only their own requests.
 */
function reportAccepted({ isTest = false }: Notes, status: number): void {
  if (!isTest) report({ kind: 'key_accepted', isRefused: REFUSALS.has(status) });
}

const isReply = (response: Reply | Result): response is Reply => 'status' in response;

const limitBody = (maxBytes: number): Middleware => ({
  before: ({ event: { body, isBase64Encoded } }) => {
    if (typeof body !== 'string') return;
    const bytes = isBase64Encoded ? Buffer.byteLength(body, 'base64') : Buffer.byteLength(body);
    if (bytes <= maxBytes) return;
    const detail = `The body is ${bytes} bytes; at most ${maxBytes} are accepted.`;
    throw new BillingError('body_too_large', detail);
  },
});
