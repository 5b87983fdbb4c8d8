import { SsmParameters } from './ssm-parameters.ts';

/** A rolled secret is in use everywhere within this time. */
const MAX_AGE_SECONDS = 300;

export type ParameterName = 'STRIPE_SECRET_KEY' | 'STRIPE_PRO_PRICE_ID' | 'STRIPE_WEBHOOK_SECRETS';

let ssm: SsmParameters | undefined;

/**
 * A setting that the deployed template must not contain: from the environment on one machine, else from the
 * SSM parameter that the environment names. Cached, so it costs no call per request.
 * @returns undefined if neither is set; the caller reports that
 * @throws Error naming the parameter that cannot be read
 */
export async function readParameter(
  env: NodeJS.ProcessEnv,
  name: ParameterName,
): Promise<string | undefined> {
  const parameter = env[`${name}_PARAMETER`];
  if (env[name] !== undefined || parameter === undefined) return env[name];
  ssm ??= new SsmParameters(env);
  try {
    const value = await ssm.get(parameter, { maxAge: MAX_AGE_SECONDS });
    return typeof value === 'string' ? value : undefined;
  } catch (error) {
    throw new Error(`The parameter ${parameter} could not be read`, { cause: error });
  }
}
