import { withStripe } from '../../lib/runtime/connect-stripe.ts';
import type { Deps, PaymentDeps } from '../../lib/runtime/deps.ts';
import { startRuntime } from '../../lib/runtime/start.ts';
import { reasonOf } from '../../lib/settings/setup-error.ts';
import type { StripePort } from '../../lib/stripe/port.ts';
import { EXIT, Failure } from '../terminal/failure.ts';
import { Invoker } from './invoke.ts';
import { useLocalAws } from './local-aws.ts';
import { localDeps } from './local-deps.ts';
import { readSettings } from './local-settings.ts';
import { bypassProxyForLoopback } from './loopback.ts';
import { runningStack } from './running.ts';
import { LOCAL_STAGE, readServerlessFile } from './serverless-file.ts';
import type { Stage, StageName } from './stage.ts';
import { openLambda } from './transport.ts';

const SERVICE = 'rsolv-billing';

/** @throws Failure or SetupError if the stage cannot be reached at all */
export function openStage(name: StageName, env: NodeJS.ProcessEnv): Stage {
  return name === 'local' ? openLocal(env) : openDeployed(name, env);
}

function openLocal(env: NodeJS.ProcessEnv): Stage {
  const { port } = readSettings({ PORT: env['PORT'] });
  const stack = runningStack(port);
  useLocalAws(process.env);
  bypassProxyForLoopback(process.env);
  const explain = (failure: Failure) =>
    failure.code === 'stage_unreachable' ? stackStopped(port, failure) : failure;
  const deps = localDeps(stack.endpoint, readServerlessFile().tableName, stack.stripe);
  return {
    name: 'local',
    local: { url: `http://127.0.0.1:${port}`, ...stack },
    ...connect(deps, new Invoker(functionPrefix(LOCAL_STAGE), openLambda(stack.lambdaEndpoint))),
    explain,
  };
}

/** A killed stack leaves its state file behind, so it is still found but does not answer. */
const stackStopped = (port: number, cause: Failure): Failure =>
  new Failure(
    cause.code,
    `The stack on port ${port} no longer answers. Start it again: npm start`,
    EXIT.unreachable,
  );

function openDeployed(name: Exclude<StageName, 'local'>, env: NodeJS.ProcessEnv): Stage {
  // Lets an operator check a table that was restored beside the live one. The functions keep using the live
  // table.
  const tableName = env['RSOLV_BILLING_TABLE'] ?? `${SERVICE}-${name}`;
  const runtime = startRuntime({ TABLE_NAME: tableName, STAGE: name });
  let environment: Promise<NodeJS.ProcessEnv> | undefined;
  const stripe = async () => {
    environment ??= stripeEnvironment(name, runtime, env);
    return stripeOf(runtime, await environment);
  };
  const deps: PaymentDeps = { ...runtime, stripe };
  const explain = (failure: Failure) =>
    failure.code === 'stage_not_found' ? tableMissing(runtime.table.name, failure) : failure;
  return {
    name,
    local: null,
    ...connect(deps, new Invoker(functionPrefix(name), openLambda(undefined))),
    explain,
  };
}

const tableMissing = (table: string, { code, exitCode }: Failure): Failure =>
  new Failure(
    code,
    `There is no table ${table}. Check that the stage is deployed and that AWS_REGION is its region.`,
    exitCode,
  );

/**
 * Names the parameters that hold the stage's Stripe key, and the operator's credentials to read them with.
 */
async function stripeEnvironment(
  name: StageName,
  { table }: Deps,
  env: NodeJS.ProcessEnv,
): Promise<NodeJS.ProcessEnv> {
  const { credentials, region } = table.client.config;
  const { accessKeyId, secretAccessKey, sessionToken } = await credentials();
  return {
    STAGE: name,
    STRIPE_SECRET_KEY_PARAMETER: `/${SERVICE}/${name}/stripe-secret-key`,
    STRIPE_PRO_PRICE_ID_PARAMETER: `/${SERVICE}/${name}/stripe-pro-price-id`,
    STRIPE_API_BASE: env['STRIPE_API_BASE'],
    AWS_REGION: await region(),
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
    AWS_ENDPOINT_URL_SSM: env['AWS_ENDPOINT_URL_SSM'],
  };
}

/** @throws Failure if the Stripe key cannot be read or does not fit this stage */
async function stripeOf(deps: Deps, env: NodeJS.ProcessEnv): Promise<StripePort> {
  try {
    return await withStripe(deps, env).stripe();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const reason = reasonOf(error);
    const detail = `Stripe cannot be reached: ${message}${reason === message ? '' : ` (${reason})`}`;
    throw new Failure('stripe_unreachable', detail, EXIT.unreachable);
  }
}

function connect(deps: PaymentDeps, functions: Invoker): Pick<Stage, 'deps' | 'functions' | 'close'> {
  return {
    deps,
    functions,
    close: () => {
      deps.table.client.destroy();
      functions.close();
    },
  };
}

const functionPrefix = (stage: string): string => `${SERVICE}-${stage}-`;
