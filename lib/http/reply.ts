import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';

export interface Reply {
  readonly status: number;
  /** Sent as JSON; a string goes out as it is, with the content type it comes with. */
  readonly body: object | string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers are about one customer's money, so nothing on the way keeps them unless the reply says otherwise. */
export function render(
  { status, body, headers }: Reply,
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
    body: typeof body === 'string' ? body : JSON.stringify(body),
  };
}
