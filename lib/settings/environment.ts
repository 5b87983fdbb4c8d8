import * as z from 'zod/mini';
import { withoutRepeats } from './zod-issues.ts';

const Environment = z.object({
  TABLE_NAME: z.string().check(z.minLength(3)),
  STAGE: z.string().check(z.minLength(1)),
  /** The calls that one API key may make in a minute; 0 for no limit. */
  KEY_CALLS_PER_MINUTE: z._default(z.coerce.number().check(z.int(), z.nonnegative()), 6_000),
  /** A local DynamoDB engine. Absent when deployed: then the SDK uses AWS. */
  DYNAMODB_ENDPOINT: z.optional(z.url({ protocol: /^https?$/ })),
});

export interface Config {
  readonly tableName: string;
  readonly stage: string;
  readonly dynamodbEndpoint: string | undefined;
}

export interface FunctionConfig extends Config {
  readonly keyCallsPerMinute: number;
}

/**
 * The environment, parsed once when a function starts.
 * @throws Error naming each variable that is missing or wrong, never its value.
 */
export function parseConfig(env: NodeJS.ProcessEnv): FunctionConfig {
  const parsed = Environment.safeParse(env);
  if (!parsed.success) throw new Error(`The environment is not usable. ${faultsOf(parsed.error)}`);
  const { TABLE_NAME, STAGE, KEY_CALLS_PER_MINUTE, DYNAMODB_ENDPOINT } = parsed.data;
  return {
    tableName: TABLE_NAME,
    stage: STAGE,
    keyCallsPerMinute: KEY_CALLS_PER_MINUTE,
    dynamodbEndpoint: DYNAMODB_ENDPOINT,
  };
}

/** Each faulty variable and its problem, without its value. */
export function faultsOf({ issues }: z.core.$ZodError): string {
  return withoutRepeats(issues)
    .map((issue) => `${issue.path.join('.')}: ${issue.message}`)
    .join('; ');
}
