import * as z from 'zod/mini';
import { alarmResources } from '../../infrastructure/alarms.ts';
import { type DeployedService, readService } from '../../infrastructure/service.ts';
import { readYaml, resolved } from './variables.ts';

/* The expected state of a stage: from serverless.yml and the files that it includes, not from AWS. */

/** A scheduled function, and the rule that the framework creates for it. */
export interface Schedule {
  readonly functionKey: string;
  readonly logicalId: string;
}

export interface Definition {
  /** Every setting of the stage. */
  readonly service: DeployedService;
  readonly stage: string;
  readonly stackName: string;
  /** Whether CloudFormation must refuse to delete the stack. */
  readonly isProtected: boolean;
  readonly tableName: string;
  readonly timeToLiveAttribute: string;
  readonly streamView: string;
  /** Names of functions that read the table's stream. */
  readonly streamReaders: readonly string[];
  /** The prefix of the stage's parameter names. */
  readonly parameters: string;
  /** The names of the alarms. */
  readonly alarms: readonly string[];
  /** The address that alarms are sent to. Empty if there is none. */
  readonly alarmEmail: string;
  readonly schedules: readonly Schedule[];
  /** The logical ids of the queues. */
  readonly deadLetterQueues: readonly string[];
  readonly noticeSender: string;
  /** The SES identity that must be verified for the sender. */
  readonly noticeIdentity: string;
  /** The names of functions with reserved concurrency, and how much. */
  readonly reservations: ReadonlyMap<string, number>;
}

const Event = z.looseObject({ schedule: z.optional(z.unknown()), stream: z.optional(z.unknown()) });
const Resource = z.looseObject({ Type: z.string(), Properties: z.optional(z.unknown()) });

const File = z.looseObject({
  service: z.string(),
  provider: z.looseObject({ deletionProtection: z.object({ stages: z.array(z.string()) }) }),
  params: z.record(z.string(), z.record(z.string(), z.unknown())),
  functions: z.record(
    z.string(),
    z.looseObject({
      stages: z.optional(z.array(z.string())),
      events: z._default(z.array(Event), []),
      reservedConcurrency: z.optional(z.number()),
    }),
  ),
  resources: z.array(z.looseObject({ Resources: z._default(z.record(z.string(), Resource), {}) })),
});

const Table = z.object({
  StreamSpecification: z.object({ StreamViewType: z.string() }),
  TimeToLiveSpecification: z.object({ AttributeName: z.string() }),
});
const Params = z.object({ noticeSender: z.string(), noticeIdentity: z.string() });
const Alarm = z.object({ AlarmName: z.string() });

/** @throws Error if a file cannot be read or has an unexpected form */
export function readDefinition(stage: string, overrides: Readonly<Record<string, string>> = {}): Definition {
  const raw = readYaml('serverless.yml');
  const params = overridden(paramsFor(raw, stage), overrides);
  const file = File.parse(resolved(raw, { raw, stage, params }));
  const functions = Object.entries(file.functions).filter(
    ([, { stages }]) => stages === undefined || stages.includes(stage),
  );
  const named = functions.map(
    ([key, one]) => [key, { ...one, name: `${file.service}-${stage}-${key}` }] as const,
  );
  const service = readService({ ...file, functions: Object.fromEntries(named) }, stage, lambdaLogicalId);
  const resources = file.resources.flatMap((part) => Object.entries(part.Resources));
  const ofType = (type: string) => resources.filter(([, { Type }]) => Type === type);
  const table = Table.parse(ofType('AWS::DynamoDB::Table')[0]?.[1].Properties);
  const { noticeSender, noticeIdentity } = Params.parse(params);
  return {
    service,
    stage,
    stackName: `${service.name}-${stage}`,
    isProtected: file.provider.deletionProtection.stages.includes(stage),
    tableName: z.object({ tableName: z.string() }).parse(file['custom']).tableName,
    timeToLiveAttribute: table.TimeToLiveSpecification.AttributeName,
    streamView: table.StreamSpecification.StreamViewType,
    streamReaders: named.filter(([, { events }]) => events.some(isStream)).map(([, { name }]) => name),
    parameters: service.parameters,
    alarms: Object.values(alarmResources(service))
      .filter(({ Type }) => Type === 'AWS::CloudWatch::Alarm')
      .map(({ Properties }) => Alarm.parse(Properties).AlarmName),
    alarmEmail: service.alarmEmail,
    schedules: functions.flatMap(([key, { events }]) =>
      events.filter(isSchedule).map((_, i) => ({ functionKey: key, logicalId: ruleLogicalId(key, i + 1) })),
    ),
    deadLetterQueues: ofType('AWS::SQS::Queue').map(([logicalId]) => logicalId),
    noticeSender,
    noticeIdentity,
    reservations: new Map(
      named.flatMap(([, { name, reservedConcurrency }]) =>
        reservedConcurrency === undefined ? [] : [[name, reservedConcurrency] as const],
      ),
    ),
  };
}

const isStream = ({ stream }: z.output<typeof Event>): boolean => stream !== undefined;
const isSchedule = ({ schedule }: z.output<typeof Event>): boolean => schedule !== undefined;

/** The name that the framework gives to the resources of a function. */
const resourceName = (functionKey: string): string =>
  (functionKey.charAt(0).toUpperCase() + functionKey.slice(1))
    .replaceAll('-', 'Dash')
    .replaceAll('_', 'Underscore');
const lambdaLogicalId = (functionKey: string): string => `${resourceName(functionKey)}LambdaFunction`;
const ruleLogicalId = (functionKey: string, number: number): string =>
  `${resourceName(functionKey)}EventsRuleSchedule${number}`;

/** @throws Error for a stage that serverless.yml does not define */
function paramsFor(raw: unknown, stage: string): Record<string, unknown> {
  const { params } = z.looseObject({ params: File.shape.params }).parse(raw);
  const own = params[stage];
  if (own === undefined) throw new Error(`serverless.yml does not define the stage ${stage}.`);
  return { ...params['default'], ...own };
}

/** Options of a deploy are text. They take the type of the value that they replace. */
function overridden(
  params: Readonly<Record<string, unknown>>,
  overrides: Readonly<Record<string, string>>,
): Record<string, unknown> {
  const typed = Object.entries(overrides).map(([name, text]) => {
    const type = typeof params[name];
    return [name, type === 'number' ? Number(text) : type === 'boolean' ? text === 'true' : text] as const;
  });
  return { ...params, ...Object.fromEntries(typed) };
}
