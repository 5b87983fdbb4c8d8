import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { ClientRequest } from 'node:http';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import type { Handler } from '../../lib/http/handler.ts';

export interface Call {
  readonly apiKey?: string;
  readonly params?: Record<string, string>;
}

/** The invocation that an HTTP API makes for this call. */
export function invocation({ apiKey, params }: Call): readonly [APIGatewayProxyEventV2, Context] {
  const event: APIGatewayProxyEventV2 = {
    version: '2.0',
    routeKey: '$default',
    rawPath: '/',
    rawQueryString: '',
    headers: { host: 'localhost', accept: '*/*', ...(apiKey !== undefined && { 'x-api-key': apiKey }) },
    ...(params && { pathParameters: params }),
    isBase64Encoded: false,
    requestContext: {
      accountId: '0',
      apiId: 'bench',
      domainName: 'localhost',
      domainPrefix: 'localhost',
      http: { method: 'POST', path: '/', protocol: 'HTTP/1.1', sourceIp: '2001:db8::1', userAgent: 'bench' },
      requestId: 'bench',
      routeKey: '$default',
      stage: '$default',
      time: '',
      timeEpoch: 0,
    },
  };
  const context: Context = {
    callbackWaitsForEmptyEventLoop: false,
    functionName: 'bench',
    functionVersion: '1',
    invokedFunctionArn: 'arn',
    memoryLimitInMB: '512',
    awsRequestId: 'bench',
    logGroupName: 'bench',
    logStreamName: 'bench',
    getRemainingTimeInMillis: () => 10_000,
    done: () => {},
    fail: () => {},
    succeed: () => {},
  };
  return [event, context];
}

/** @throws Error with the answer when it is not 200: a benchmark of failures measures nothing. */
export async function succeed(handler: Handler, call: Call): Promise<void> {
  const { statusCode, body } = await handler(...invocation(call));
  if (statusCode !== 200) throw new Error(`a request was answered ${statusCode} ${body}`);
}

/** Names of the DynamoDB requests that leave this process while `work` runs, repeats by the SDK included. */
export async function requestsOf(work: () => Promise<unknown>): Promise<string[]> {
  const names: string[] = [];
  const note = (message: unknown) => {
    if (typeof message !== 'object' || message === null || !('request' in message)) return;
    if (!(message.request instanceof ClientRequest)) return;
    const target = String(message.request.getHeader('x-amz-target'));
    if (target.startsWith('DynamoDB_')) names.push(target.replace(/^.*\./, ''));
  };
  subscribe('http.client.request.start', note);
  try {
    await work();
  } finally {
    unsubscribe('http.client.request.start', note);
  }
  return names;
}
