import { createHash, createHmac } from 'node:crypto';
import { BaseProvider } from '@aws-lambda-powertools/parameters/base';
import { SignatureV4 } from '@smithy/signature-v4';
import * as z from 'zod/mini';

const TIMEOUT_MS = 3_000;

const Environment = z.object({
  AWS_REGION: z.string(),
  AWS_ACCESS_KEY_ID: z.string(),
  AWS_SECRET_ACCESS_KEY: z.string(),
  AWS_SESSION_TOKEN: z.optional(z.string()),
  /** The SDK's own name for another endpoint. */
  AWS_ENDPOINT_URL_SSM: z.optional(z.url()),
});

const Answer = z.object({ Parameter: z.object({ Value: z.string() }) });

/**
 * Powertools' parameter cache over the one call we need of SSM, signed by the SDK's signer. Powertools' own SSM provider
 * brings the whole SSM client, for which the bundles have no room: docs/decisions/0014-parameters.md.
 */
export class SsmParameters extends BaseProvider {
  readonly #env: NodeJS.ProcessEnv;

  constructor(env: NodeJS.ProcessEnv) {
    super({});
    this.#env = env;
  }

  /** @throws Error with SSM's own error code, never with a value */
  protected async _get(name: string): Promise<string> {
    const env = Environment.parse(this.#env);
    const endpoint = new URL(env.AWS_ENDPOINT_URL_SSM ?? `https://ssm.${env.AWS_REGION}.amazonaws.com`);
    const body = JSON.stringify({ Name: name, WithDecryption: true });
    const signer = new SignatureV4({
      service: 'ssm',
      region: env.AWS_REGION,
      credentials: {
        accessKeyId: env.AWS_ACCESS_KEY_ID,
        secretAccessKey: env.AWS_SECRET_ACCESS_KEY,
        ...(env.AWS_SESSION_TOKEN !== undefined && { sessionToken: env.AWS_SESSION_TOKEN }),
      },
      sha256: Sha256,
    });
    const { headers } = await signer.sign({
      method: 'POST',
      protocol: endpoint.protocol,
      hostname: endpoint.hostname,
      path: '/',
      headers: {
        host: endpoint.host,
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': 'AmazonSSM.GetParameter',
      },
      body,
    });
    const response = await fetch(endpoint, {
      method: 'POST',
      headers,
      body,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const answer = jsonOf(await response.text());
    if (!response.ok) throw new Error(`SSM answered ${response.status} ${codeOf(answer)}`);
    const parsed = Answer.safeParse(answer);
    if (!parsed.success) throw new Error(`SSM answered ${response.status} with no value that is readable`);
    return parsed.data.Parameter.Value;
  }

  protected _getMultiple(): Promise<undefined> {
    throw new Error('Parameters are read one by one');
  }
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

const codeOf = (answer: unknown): string => {
  const parsed = Refusal.safeParse(answer);
  return parsed.success ? parsed.data.__type : 'without saying why';
};

/** Node's own hash, in the form that the signer asks for. */
class Sha256 {
  readonly #hash: ReturnType<typeof createHash> | ReturnType<typeof createHmac>;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret));
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(data));
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data);
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}
