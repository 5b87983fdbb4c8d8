import * as z from 'zod/mini';

/** A function as serverless.yml describes it, as far as the shape around it goes by that. */
const ServiceFunction = z.object({
  canary: z._default(z.boolean(), false),
  operator: z._default(z.boolean(), false),
});

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
      shiftTraffic: z.string(),
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
  /** How CodeDeploy moves traffic to a new version; one of its own configurations, without its prefix. */
  readonly shiftTraffic: string;
  /** What SES has to have verified for the sender of notices. */
  readonly noticeIdentity: string;
  readonly functions: readonly DeployedFunction[];
}

/** @throws z.core.$ZodError where serverless.yml lacks what the resources are made from. */
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
