import * as z from 'zod/mini';

/** The settings of a function in serverless.yml that the resources in this folder depend on. */
const ServiceFunction = z.object({
  canary: z._default(z.boolean(), false),
  operator: z._default(z.boolean(), false),
  events: z._default(z.array(z.object({ httpApi: z.optional(z.object({ path: z.string() })) })), []),
});

/** Calls under this path carry an API key, except a few that have no canary. */
const WITH_KEY = '/api/v1/';

/**
 * CodeDeploy's predefined configurations for Lambda, without their prefix. Any other value would fail during
 * a deploy.
 */
const TRAFFIC_SHIFTS = [
  'LambdaAllAtOnce',
  'LambdaCanary10Percent5Minutes',
  'LambdaCanary10Percent10Minutes',
  'LambdaCanary10Percent15Minutes',
  'LambdaCanary10Percent30Minutes',
  'LambdaLinear10PercentEvery1Minute',
  'LambdaLinear10PercentEvery2Minutes',
  'LambdaLinear10PercentEvery3Minutes',
  'LambdaLinear10PercentEvery10Minutes',
] as const;

/** The settings of one stage in serverless.yml. */
const Service = z.object({
  service: z.string(),
  custom: z.object({
    metricsNamespace: z.string(),
    tableName: z.string(),
    parameters: z.string(),
    operations: z.object({
      alarmEmail: z.string(),
      pagerUrl: z.union([z.literal(''), z.url({ protocol: /^https$/, error: 'must be an https address' })]),
      runbookUrl: z.string(),
      expectsWebhooks: z.boolean(),
      expectsRequests: z.boolean(),
      shiftTraffic: z.enum(TRAFFIC_SHIFTS, { error: `must be one of ${TRAFFIC_SHIFTS.join(', ')}` }),
      noticeIdentity: z.string(),
      domainName: z.string(),
      certificateArn: z.string(),
      redeploy: z.string().check(z.regex(/^\d*$/, { error: 'must be a whole number' })),
      preflight: z.enum(['run', 'skip'], { error: 'must be run or skip' }),
      copyRegion: z.string(),
      copyAccount: z.string().check(z.regex(/^(?:\d{12})?$/, { error: 'must be 12 digits' })),
    }),
  }),
  functions: z.record(z.string(), ServiceFunction),
});

export interface DeployedFunction {
  /** Its key in serverless.yml. */
  readonly key: string;
  readonly logicalId: string;
  readonly canary: boolean;
  readonly operator: boolean;
  /** Whether its callers have API keys. */
  readonly takesKey: boolean;
}

export interface DeployedService {
  readonly name: string;
  readonly stage: string;
  readonly metricsNamespace: string;
  readonly tableName: string;
  /** The prefix of the stage's parameter names. */
  readonly parameters: string;
  /** Empty if alarms are not mailed. */
  readonly alarmEmail: string;
  /** The https address that gets pages; empty if there is none. */
  readonly pagerUrl: string;
  /** Where the manual for alarms is. */
  readonly runbookUrl: string;
  readonly expectsWebhooks: boolean;
  /** Whether an hour without a customer's request raises an alarm. */
  readonly expectsRequests: boolean;
  /** How CodeDeploy shifts traffic to a new version. */
  readonly shiftTraffic: (typeof TRAFFIC_SHIFTS)[number];
  /** The SES identity that must be verified for the sender of notices. */
  readonly noticeIdentity: string;
  /** The API's own domain; empty if it has the address that AWS makes up. */
  readonly domainName: string;
  /** The certificate for that domain, in the region of the stack. */
  readonly certificateArn: string;
  /** Another number deploys the same commit again. Empty for its first deploy. */
  readonly redeploy: string;
  /** Whether a deploy examines the account first. */
  readonly preflight: 'run' | 'skip';
  /** The other region that gets a copy of each backup. Empty if the stage has no backup plan. */
  readonly copyRegion: string;
  /** The account that holds the copies. Empty for the account of the stack. */
  readonly copyAccount: string;
  readonly functions: readonly DeployedFunction[];
}

/** @throws z.core.$ZodError if serverless.yml or an option of the deploy has an invalid setting */
export function readService(
  input: unknown,
  stage: string,
  logicalIdOf: (functionKey: string) => string,
): DeployedService {
  const { service, custom, functions } = Service.parse(input);
  return {
    name: service,
    stage,
    metricsNamespace: custom.metricsNamespace,
    tableName: custom.tableName,
    parameters: custom.parameters,
    ...custom.operations,
    functions: Object.entries(functions).map(([key, { canary, operator, events }]) => ({
      key,
      logicalId: logicalIdOf(key),
      canary,
      operator,
      takesKey: events.some(({ httpApi }) => httpApi?.path.startsWith(WITH_KEY)),
    })),
  };
}
