import { SsmParameters } from './ssm-parameters.ts';

/** A secret that was rolled is used everywhere after this time at the latest. */
const MAX_AGE_SECONDS = 300;

export type ParameterName = 'STRIPE_SECRET_KEY' | 'STRIPE_PRO_PRICE_ID' | 'STRIPE_WEBHOOK_SECRETS';

let ssm: SsmParameters | undefined;

/**
 * A setting that the deployed template must not hold: from the environment on one machine, else from the SSM parameter that
 * the environment names. Kept for a while, so it costs no call for each request.
 * @returns undefined where neither is given; whoever needs it says so
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
