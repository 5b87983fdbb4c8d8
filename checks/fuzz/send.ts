import type { Handler } from '../../lib/http/handler.ts';
import { type Call, gatewayEvent, invocation } from '../../test/support/gateway.ts';
import type { Answered } from './document.ts';

export interface Sent extends Answered {
  readonly requestId: string;
  /** The problem code, if the answer is a problem. */
  readonly code: unknown;
}

/** Sends a request to a function as the gateway does. */
export async function send(handler: Handler, request: Call & { isBase64Encoded?: boolean }): Promise<Sent> {
  const { isBase64Encoded = false, ...call } = request;
  const result = await handler({ ...gatewayEvent(call), isBase64Encoded }, invocation());
  const text = result.body ?? '';
  const status = result.statusCode ?? 0;
  const headers = new Map(
    Object.entries(result.headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)]),
  );
  const requestId = headers.get('x-request-id') ?? 'none';
  return { status, headers, text, requestId, code: status >= 400 ? codeIn(text) : undefined };
}

function codeIn(text: string): unknown {
  const problem: unknown = JSON.parse(text);
  return typeof problem === 'object' && problem !== null && 'code' in problem ? problem.code : undefined;
}
