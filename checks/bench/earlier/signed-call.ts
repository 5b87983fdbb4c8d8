import { Hash } from '@smithy/core/serde';
import { SignatureV4 } from '@smithy/signature-v4';
import * as z from 'zod/mini';

const Environment = z.object({
  AWS_REGION: z.string(),
  AWS_ACCESS_KEY_ID: z.string(),
  AWS_SECRET_ACCESS_KEY: z.string(),
  AWS_SESSION_TOKEN: z.optional(z.string()),
});

export interface SignedCall {
  /** The service's name in signatures: `ssm`, `ses`. */
  readonly service: string;
  /** The first part of the host name. */
  readonly host: string;
  /** A local endpoint instead of AWS. */
  readonly endpoint: string | undefined;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly timeoutMs: number;
}

/** An error response from AWS. Has AWS's own error code, and never a value or a message from AWS. */
export class AwsRefusal extends Error {
  readonly code: string;

  constructor(service: string, status: number, code: string) {
    super(`${service} answered ${status} ${code}`);
    this.name = 'AwsRefusal';
    this.code = code;
  }
}

/**
 * One POST to an AWS service, signed by the SDK's own signer with the function's role. For functions that
 * make a single kind of call: a full client would not fit their bundles (docs/decisions/0014-parameters.md).
 * Not retried.
 * @returns the JSON response; undefined if it is not JSON
 * @throws AwsRefusal; or the error of `fetch` if there is no response in time
 */
export async function signedCall(env: NodeJS.ProcessEnv, call: SignedCall): Promise<unknown> {
  const response = await signedPost(env, call);
  const answer = jsonOf(await response.text());
  if (response.ok) return answer;
  throw new AwsRefusal(
    call.service,
    response.status,
    codeOf(response.headers.get('x-amzn-errortype'), answer),
  );
}

/**
 * The call itself, for a service without JSON.
 * @returns any response, including an error response
 * @throws the error of `fetch` if there is no response in time
 */
export async function signedPost(env: NodeJS.ProcessEnv, call: SignedCall): Promise<Response> {
  const { service, host, path, body, timeoutMs } = call;
  const aws = Environment.parse(env);
  const endpoint = new URL(path, call.endpoint ?? `https://${host}.${aws.AWS_REGION}.amazonaws.com`);
  const signer = new SignatureV4({
    service,
    region: aws.AWS_REGION,
    credentials: {
      accessKeyId: aws.AWS_ACCESS_KEY_ID,
      secretAccessKey: aws.AWS_SECRET_ACCESS_KEY,
      ...(aws.AWS_SESSION_TOKEN !== undefined && { sessionToken: aws.AWS_SESSION_TOKEN }),
    },
    sha256: Hash.bind(null, 'sha256'),
  });
  const { headers } = await signer.sign({
    method: 'POST',
    protocol: endpoint.protocol,
    hostname: endpoint.hostname,
    path: endpoint.pathname,
    headers: { ...call.headers, host: endpoint.host },
    body,
  });
  const signal = AbortSignal.timeout(timeoutMs);
  return fetch(endpoint, { method: 'POST', headers, body, signal });
}

/** Undefined if the text is not JSON: the parser's own error would quote it. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const Refusal = z.object({ __type: z.string() });

/** Some services return the code in a header, some in the body, and some append a URL to it. */
function codeOf(header: string | null, answer: unknown): string {
  const parsed = Refusal.safeParse(answer);
  const code = header ?? (parsed.success ? parsed.data.__type : 'without saying why');
  return code.split(':')[0] ?? code;
}
