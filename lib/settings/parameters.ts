import * as z from 'zod/mini';
import { BillingError } from '../errors.ts';
import { type CacheSources, ParameterCache } from './parameter-cache.ts';
import { AwsRefusal, signedCall } from './signed-call.ts';
import { networkCode } from './transport.ts';

const TIMEOUT_MS = 2_000;

export type ParameterName = 'STRIPE_SECRET_KEY' | 'STRIPE_PRO_PRICE_ID' | 'STRIPE_WEBHOOK_SECRETS';

/**
 * Settings that the deployed template must not contain: from the environment on one machine, else from the
 * SSM parameter that the environment names. Cached, so a request rarely waits for SSM.
 */
export class Parameters {
  readonly #env: NodeJS.ProcessEnv;
  readonly #cache: ParameterCache;

  constructor(
    env: NodeJS.ProcessEnv,
    {
      onRead,
      ...sources
    }: Omit<CacheSources, 'read' | 'isTransient'> & {
      /** Called after each call to SSM, with its duration. */
      readonly onRead?: (ms: number) => void;
    },
  ) {
    this.#env = env;
    const read = async (name: string) => {
      const startedMs = performance.now();
      try {
        return await readFromSsm(env, name);
      } finally {
        onRead?.(performance.now() - startedMs);
      }
    };
    this.#cache = new ParameterCache({ ...sources, read, isTransient });
  }

  /**
   * @returns undefined if neither is set; the caller reports that
   * @throws BillingError payments_unavailable if SSM does not answer; Error naming a parameter that cannot be
   *   read
   */
  async get(name: ParameterName): Promise<string | undefined> {
    const parameter = this.#parameterOf(name);
    if (parameter === undefined) return this.#env[name];
    try {
      return await this.#cache.get(parameter);
    } catch (error) {
      throw isTransient(error) ? unavailable(error) : unreadable(parameter, error);
    }
  }

  /** @returns a newer value than the refused one; undefined if there is none */
  async afterRefusal(name: ParameterName, refused: string): Promise<string | undefined> {
    const parameter = this.#parameterOf(name);
    return parameter === undefined ? undefined : this.#cache.afterRefusal(parameter, refused);
  }

  /** The name at SSM; undefined if the environment has the value itself. */
  #parameterOf(name: ParameterName): string | undefined {
    return this.#env[name] === undefined ? this.#env[`${name}_PARAMETER`] : undefined;
  }
}

const Answer = z.object({ Parameter: z.object({ Value: z.string() }) });

/** For values that must not be cached. @throws AwsRefusal with SSM's own error code, never with a value */
export async function readFromSsm(env: NodeJS.ProcessEnv, name: string): Promise<string> {
  const answer = await signedCall(env, {
    service: 'ssm',
    host: 'ssm',
    endpoint: env['AWS_ENDPOINT_URL_SSM'],
    path: '/',
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'AmazonSSM.GetParameter' },
    body: JSON.stringify({ Name: name, WithDecryption: true }),
    timeoutMs: TIMEOUT_MS,
  });
  const parsed = Answer.safeParse(answer);
  if (!parsed.success) throw new Error('SSM answered without a readable value');
  return parsed.data.Parameter.Value;
}

/** SSM's refusals that time does not cure: a person must correct the name, the role or the key. */
const PERMANENT: ReadonlySet<string> = new Set([
  'ParameterNotFound',
  'ParameterVersionNotFound',
  'AccessDeniedException',
  'InvalidKeyId',
  'UnrecognizedClientException',
  'ValidationException',
]);

const isTransient = (error: unknown): boolean =>
  error instanceof AwsRefusal ? !PERMANENT.has(error.code) : networkCode(error) !== undefined;

const unavailable = (cause: unknown): BillingError =>
  new BillingError(
    'payments_unavailable',
    'The settings for payments could not be read. It is safe to send the same request again.',
    {},
    { cause },
  );

const unreadable = (parameter: string, cause: unknown): Error =>
  new Error(`The parameter ${parameter} could not be read`, { cause });
