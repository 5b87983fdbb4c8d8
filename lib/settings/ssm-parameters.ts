import { BaseProvider } from '@aws-lambda-powertools/parameters/base';
import * as z from 'zod/mini';
import { signedCall } from './signed-call.ts';

const TIMEOUT_MS = 3_000;

const Answer = z.object({ Parameter: z.object({ Value: z.string() }) });

/**
 * Powertools' parameter cache over the one SSM call that we need. Powertools' own SSM provider includes the
 * whole SSM client, which does not fit the bundles: docs/decisions/0014-parameters.md.
 */
export class SsmParameters extends BaseProvider {
  readonly #env: NodeJS.ProcessEnv;

  constructor(env: NodeJS.ProcessEnv) {
    super({});
    this.#env = env;
  }

  /** @throws AwsRefusal with SSM's own error code, never with a value */
  protected async _get(name: string): Promise<string> {
    const answer = await signedCall(this.#env, {
      service: 'ssm',
      host: 'ssm',
      endpoint: this.#env['AWS_ENDPOINT_URL_SSM'],
      path: '/',
      headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'AmazonSSM.GetParameter' },
      body: JSON.stringify({ Name: name, WithDecryption: true }),
      timeoutMs: TIMEOUT_MS,
    });
    const parsed = Answer.safeParse(answer);
    if (!parsed.success) throw new Error('SSM returned no readable value');
    return parsed.data.Parameter.Value;
  }

  protected _getMultiple(): Promise<undefined> {
    throw new Error('Parameters are read one by one');
  }
}
