import * as z from 'zod/mini';
import { functionBehind, functionsOf } from '../template/lambda.ts';
import type { Template } from '../template/template.ts';
import { textOf } from './from-template.ts';

/* What a packaged template deploys beside its alarms: functions, schedules, the stream's reader. */

export interface Schedule {
  readonly functionName: string;
  readonly isDue: (at: Date) => boolean;
}

export interface DeployedStage {
  /** Logical ids by the function's name in serverless.yml. */
  readonly ids: ReadonlyMap<string, string>;
  /** The newest version of each function that has versions, by its name in serverless.yml. */
  readonly versions: ReadonlyMap<string, string>;
  readonly environment: Readonly<Record<string, string>>;
  readonly schedules: readonly Schedule[];
  /** The function that reads the table's stream. */
  readonly streamReader: string;
  /** How often the stream gives a record to its reader. */
  readonly streamTries: number;
}

const Rule = z.object({ ScheduleExpression: z.string(), Targets: z.unknown() });
const Mapping = z.object({ FunctionName: z.unknown(), MaximumRetryAttempts: z.int() });

export function deployedStage(template: Template, stage: string): DeployedStage {
  const functions = functionsOf(template, stage);
  const nameOf = (value: unknown) => {
    const id = functionBehind(template, value);
    const found = functions.find((one) => one.id === id);
    if (found === undefined) throw new Error(`${JSON.stringify(value)} is no function of ${stage}`);
    return found.name;
  };
  const schedules = template.ofType('AWS::Events::Rule').map(({ properties }) => {
    const { ScheduleExpression, Targets } = Rule.parse(properties);
    return { functionName: nameOf(Targets), isDue: isDue(ScheduleExpression) };
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
  const environment = functions[0]?.environment ?? {};
  return {
    ids: new Map(functions.map(({ name, id }) => [name, id])),
    versions,
    environment,
    schedules,
    ...mapping,
  };
}

/** @throws Error for an expression of another form than those of serverless.yml */
function isDue(expression: string): (at: Date) => boolean {
  const [, every, unit] = /^rate\((\d+) (minute|hour)s?\)$/.exec(expression) ?? [];
  if (every !== undefined) {
    const minutes = Number(every) * (unit === 'hour' ? 60 : 1);
    return (at) => Math.floor(at.getTime() / 60_000) % minutes === 0;
  }
  const [, step, first, last] = /^cron\(0\/(\d+) (\d+)-(\d+) \* \* \? \*\)$/.exec(expression) ?? [];
  if (step === undefined) throw new Error(`the schedule ${expression} is not known here`);
  return (at) =>
    at.getUTCMinutes() % Number(step) === 0 &&
    at.getUTCHours() >= Number(first) &&
    at.getUTCHours() <= Number(last);
}
