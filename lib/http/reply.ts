import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';

export interface Reply {
  readonly status: number;
  /** Sent as JSON; a string is sent unchanged, with its own content type. */
  readonly body: object | string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cookies?: readonly string[];
}

/** Answers are about one customer's money, so no cache may store them unless the reply allows it. */
export function render(
  { status, body, headers, cookies = [] }: Reply,
  requestId: string,
): APIGatewayProxyStructuredResultV2 {
  return {
    statusCode: status,
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      ...headers,
      'x-request-id': requestId,
    },
    ...(cookies.length > 0 && { cookies: [...cookies] }),
    body: typeof body === 'string' ? body : JSON.stringify(body),
  };
}
