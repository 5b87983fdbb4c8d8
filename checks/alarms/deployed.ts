import * as z from 'zod/mini';
import { functionBehind, functionsOf } from '../template/lambda.ts';
import type { Template } from '../template/template.ts';
import { textOf } from './from-template.ts';

/* What a packaged template deploys beside its alarms: functions, schedules, the stream's reader. */

export interface Schedule {
  readonly functionName: string;
  readonly isDue: (at: Date) => boolean;
  /** How often a run is tried. */
  readonly tries: number;
  /** Whether a run whose last try failed is counted in the queue of dead letters. */
  readonly isKept: boolean;
}

export interface Route {
  readonly method: string;
  /** For example `/api/v1/fix-attempts/{id}/billing`. */
  readonly path: string;
  readonly functionName: string;
}

export interface DeployedStage {
  /** Logical ids by the function's name in serverless.yml. */
  readonly ids: ReadonlyMap<string, string>;
  /** The newest version of each function that has versions, by its name in serverless.yml. */
  readonly versions: ReadonlyMap<string, string>;
  /** The variables of all functions together. */
  readonly environment: Readonly<Record<string, string>>;
  readonly routes: readonly Route[];
  readonly schedules: readonly Schedule[];
  /** The function that reads the table's stream. */
  readonly streamReader: string;
  /** How often the stream gives a record to its reader. */
  readonly streamTries: number;
  /** When AWS Backup starts; null without a plan. */
  readonly isBackupDue: ((at: Date) => boolean) | null;
}

const Rule = z.object({ ScheduleExpression: z.string(), Targets: z.unknown() });
const EventInvoke = z.object({
  FunctionName: z.object({ Ref: z.string() }),
  MaximumRetryAttempts: z.int(),
  DestinationConfig: z.object({ OnFailure: z.optional(z.unknown()) }),
});
const Plan = z.object({
  BackupPlan: z.object({ BackupPlanRule: z.tuple([z.object({ ScheduleExpression: z.string() })]) }),
});
const Mapping = z.object({ FunctionName: z.unknown(), MaximumRetryAttempts: z.int() });

export function deployedStage(template: Template, stage: string): DeployedStage {
  const functions = functionsOf(template, stage);
  const nameOf = (value: unknown) => {
    const id = functionBehind(template, value);
    const found = functions.find((one) => one.id === id);
    if (found === undefined) throw new Error(`${JSON.stringify(value)} is no function of ${stage}`);
    return found.name;
  };
  const invokes = new Map(
    template.ofType('AWS::Lambda::EventInvokeConfig').map(({ properties }) => {
      const { FunctionName, MaximumRetryAttempts, DestinationConfig } = EventInvoke.parse(properties);
      const isKept = DestinationConfig.OnFailure !== undefined;
      return [nameOf(FunctionName), { tries: MaximumRetryAttempts + 1, isKept }];
    }),
  );
  const schedules = template.ofType('AWS::Events::Rule').map(({ properties }) => {
    const { ScheduleExpression, Targets } = Rule.parse(properties);
    const functionName = nameOf(Targets);
    const invoke = invokes.get(functionName);
    if (invoke === undefined) throw new Error(`${functionName} does not say how often a run is tried`);
    return { functionName, isDue: isDue(ScheduleExpression), ...invoke };
  });
  const [mapping] = template.ofType('AWS::Lambda::EventSourceMapping').map(({ properties }) => {
    const { FunctionName, MaximumRetryAttempts } = Mapping.parse(properties);
    return { streamReader: nameOf(FunctionName), streamTries: MaximumRetryAttempts + 1 };
  });
  if (mapping === undefined) throw new Error(`${stage} has no reader of the table's stream`);
  const versions = new Map(
    template
      .ofType('AWS::Lambda::Version')
      .map(({ id, properties }) => [
        nameOf(properties['FunctionName']),
        textOf({ 'Fn::GetAtt': [id, 'Version'] }),
      ]),
  );
  const [plan] = template.ofType('AWS::Backup::BackupPlan').map(({ properties }) => {
    const [{ ScheduleExpression }] = Plan.parse(properties).BackupPlan.BackupPlanRule;
    return isDue(ScheduleExpression);
  });
  return {
    ids: new Map(functions.map(({ name, id }) => [name, id])),
    versions,
    environment: Object.fromEntries(functions.flatMap((one) => Object.entries(one.environment))),
    routes: functions.flatMap(({ name, routes }) => routes.map((key) => routeOf(key, name))),
    schedules,
    ...mapping,
    isBackupDue: plan ?? null,
  };
}

function routeOf(key: string, functionName: string): Route {
  const [method = '', path = ''] = key.split(' ');
  return { method, path, functionName };
}

/** @throws Error for an expression of another form than those of serverless.yml */
function isDue(expression: string): (at: Date) => boolean {
  const [, every, unit] = /^rate\((\d+) (minute|hour)s?\)$/.exec(expression) ?? [];
  if (every !== undefined) {
    const minutes = Number(every) * (unit === 'hour' ? 60 : 1);
    return (at) => Math.floor(at.getTime() / 60_000) % minutes === 0;
  }
  const [, daily] = /^cron\(0 (\d+) \* \* \? \*\)$/.exec(expression) ?? [];
  if (daily !== undefined) return (at) => at.getUTCMinutes() === 0 && at.getUTCHours() === Number(daily);
  const [, step, first, last] = /^cron\(0\/(\d+) (\d+)-(\d+) \* \* \? \*\)$/.exec(expression) ?? [];
  if (step === undefined) throw new Error(`the schedule ${expression} is not known here`);
  return (at) =>
    at.getUTCMinutes() % Number(step) === 0 &&
    at.getUTCHours() >= Number(first) &&
    at.getUTCHours() <= Number(last);
}
