import * as z from 'zod/mini';

/** A function as serverless.yml describes it, as far as the shape around it goes by that. */
const ServiceFunction = z.object({
  canary: z._default(z.boolean(), false),
  operator: z._default(z.boolean(), false),
});

/** What CodeDeploy itself has for Lambda, without its prefix. Another word would fail in CloudFormation, in the middle of a deploy. */
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

/** What serverless.yml says for one stage. */
const Service = z.object({
  service: z.string(),
  custom: z.object({
    metricsNamespace: z.string(),
    tableName: z.string(),
    parameters: z.string(),
    operations: z.object({
      alarmEmail: z.string(),
      expectsWebhooks: z.boolean(),
      shiftTraffic: z.enum(TRAFFIC_SHIFTS, { error: `must be one of ${TRAFFIC_SHIFTS.join(', ')}` }),
      noticeIdentity: z.string(),
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
}

export interface DeployedService {
  readonly name: string;
  readonly stage: string;
  readonly metricsNamespace: string;
  readonly tableName: string;
  /** What the stage's parameters begin with. */
  readonly parameters: string;
  readonly alarmEmail: string;
  readonly expectsWebhooks: boolean;
  /** How CodeDeploy moves traffic to a new version. */
  readonly shiftTraffic: (typeof TRAFFIC_SHIFTS)[number];
  /** What SES has to have verified for the sender of notices. */
  readonly noticeIdentity: string;
  readonly functions: readonly DeployedFunction[];
}

/** @throws z.core.$ZodError where serverless.yml, or an option of a deploy, says what no resources can be made from. */
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
    functions: Object.entries(functions).map(([key, { canary, operator }]) => ({
      key,
      logicalId: logicalIdOf(key),
      canary,
      operator,
    })),
  };
}
