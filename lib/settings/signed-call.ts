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
  /** As signatures name it: `ssm`, `ses`. */
  readonly service: string;
  /** The first part of its host's name. */
  readonly host: string;
  /** Somewhere else than at AWS, for one machine. */
  readonly endpoint: string | undefined;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly timeoutMs: number;
}

/** Not what AWS was asked for, with its own code for that and never with a value or a message of its. */
export class AwsRefusal extends Error {
  readonly code: string;

  constructor(service: string, status: number, code: string) {
    super(`${service} answered ${status} ${code}`);
    this.name = 'AwsRefusal';
    this.code = code;
  }
}

/**
 * One POST to a service of AWS, signed by the SDK's own signer with the function's role. For functions that make a single kind of
 * call: a client for all of the service would not fit their bundles (docs/decisions/0014-parameters.md). Not repeated.
 * @returns the JSON that was answered; undefined where it is none
 * @throws AwsRefusal; whatever `fetch` throws when nothing was answered in time
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
 * The call itself, for a service that speaks no JSON.
 * @returns whatever was answered, a refusal too
 * @throws whatever `fetch` throws when nothing was answered in time
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

/** Undefined for what is no JSON: the parser's own error would quote it. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const Refusal = z.object({ __type: z.string() });

/** Some services tell their code in a header, some in the body, and some with an address after it. */
function codeOf(header: string | null, answer: unknown): string {
  const parsed = Refusal.safeParse(answer);
  const code = header ?? (parsed.success ? parsed.data.__type : 'without saying why');
  return code.split(':')[0] ?? code;
}
