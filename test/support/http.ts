import { randomBytes } from 'node:crypto';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import { expect } from 'vitest';
import { handler as billFixAttempt } from '../../functions/bill-fix-attempt.ts';
import { handler as findFixAttempt } from '../../functions/find-fix-attempt.ts';
import { handler as getPricing } from '../../functions/get-pricing.ts';
import { handler as getUsage } from '../../functions/get-usage.ts';
import { handler as health } from '../../functions/health.ts';
import { handler as issueApiKey } from '../../functions/issue-api-key.ts';
import { handler as listTransactions } from '../../functions/list-transactions.ts';
import { handler as onboardCustomer } from '../../functions/onboard-customer.ts';
import { handler as recordFixAttempt } from '../../functions/record-fix-attempt.ts';
import { handler as revokeApiKey } from '../../functions/revoke-api-key.ts';
import type { Handler } from '../../lib/http/handler.ts';
import { uniqueEmail } from './customers.ts';

export const api = {
  onboardCustomer,
  recordFixAttempt,
  findFixAttempt,
  billFixAttempt,
  getUsage,
  listTransactions,
  issueApiKey,
  revokeApiKey,
  getPricing,
  health,
};

export interface Call {
  readonly apiKey?: string;
  readonly body?: unknown;
  /** Sent as it is, in place of `body`. */
  readonly rawBody?: string;
  readonly params?: Record<string, string>;
  readonly query?: Record<string, string>;
  readonly headers?: Record<string, string>;
  readonly sourceIp?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  /** The JSON body; tests look into it with matchers. */
  readonly body: Record<string, unknown>;
  readonly text: string;
}

/** What Lambda says of an invocation; its request id is the one that support asks for. */
const invocation = (): Context => ({
  callbackWaitsForEmptyEventLoop: false,
  functionName: 'test',
  functionVersion: '1',
  invokedFunctionArn: 'arn',
  memoryLimitInMB: '512',
  awsRequestId: `req-${randomBytes(6).toString('hex')}`,
  logGroupName: 'test',
  logStreamName: 'test',
  getRemainingTimeInMillis: () => 10_000,
  done: () => {},
  fail: () => {},
  succeed: () => {},
});

/** An address from the documentation range, so that callers do not share a rate limit by accident. */
export const someIp = (): string =>
  `2001:db8::${randomBytes(2).toString('hex')}:${randomBytes(2).toString('hex')}`;

/** The event that an HTTP API hands to a function for this call. */
function gatewayEvent(call: Call): APIGatewayProxyEventV2 {
  const body = call.rawBody ?? (call.body === undefined ? undefined : JSON.stringify(call.body));
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: '/',
    rawQueryString: '',
    headers: {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(call.apiKey !== undefined && { 'x-api-key': call.apiKey }),
      ...call.headers,
    },
    ...(call.query && { queryStringParameters: call.query }),
    ...(call.params && { pathParameters: call.params }),
    ...(body !== undefined && { body }),
    isBase64Encoded: false,
    requestContext: {
      accountId: '0',
      apiId: 'test',
      domainName: 'localhost',
      domainPrefix: 'localhost',
      http: {
        method: 'POST',
        path: '/',
        protocol: 'HTTP/1.1',
        sourceIp: call.sourceIp ?? someIp(),
        userAgent: 'test',
      },
      requestId: 'gateway',
      routeKey: '$default',
      stage: '$default',
      time: '',
      timeEpoch: 0,
    },
  };
}

export async function call(handler: Handler, request: Call = {}): Promise<Answer> {
  const result = await handler(gatewayEvent(request), invocation());
  const text = result.body ?? '';
  const parsed: unknown = JSON.parse(text);
  if (typeof parsed !== 'object' || parsed === null) throw new Error(`not a JSON object: ${text}`);
  return { status: result.statusCode ?? 0, headers: result.headers ?? {}, body: { ...parsed }, text };
}

export interface SignedUp {
  readonly customerId: string;
  readonly apiKey: string;
  readonly apiKeyId: string;
}

/** Signs a customer up over HTTP. */
export async function signUp(): Promise<SignedUp> {
  const { status, body } = await call(api.onboardCustomer, { body: { name: 'Acme', email: uniqueEmail() } });
  expect(status).toBe(201);
  const customer = body['customer'];
  if (typeof customer !== 'object' || customer === null || !('id' in customer))
    throw new Error('no customer');
  return {
    customerId: String(customer.id),
    apiKey: String(body['api_key']),
    apiKeyId: String(body['api_key_id']),
  };
}

export const fixBody = (prNumber: number, more: Record<string, unknown> = {}) => ({
  github_org: 'acme',
  repo_name: 'webshop',
  pr_number: prNumber,
  pr_title: `Fix ${prNumber}`,
  pr_url: `https://github.com/acme/webshop/pull/${prNumber}`,
  ...more,
});

/** Records and bills a fix over HTTP; the answer to the billing. */
export async function deployFix(apiKey: string, prNumber: number): Promise<Answer> {
  const { body } = await call(api.recordFixAttempt, { apiKey, body: fixBody(prNumber) });
  return call(api.billFixAttempt, { apiKey, params: { id: String(body['id']) } });
}
