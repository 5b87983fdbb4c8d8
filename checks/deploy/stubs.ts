import * as z from 'zod/mini';
import { type Resource, sub, type Template } from '../../infrastructure/template.ts';
import { editStatements } from './policies.ts';

/** A part of the template that the emulator cannot do, and the replacement. */
interface Stub {
  readonly part: string;
  readonly reason: string;
  readonly instead: string;
  /** Changes the template. Returns how many resources it changed. */
  readonly apply: (template: Template, places: Places) => number;
}

const Environment = z.object({ Variables: z.record(z.string(), z.unknown()) });

const Stat = z.object({
  Stat: z.string(),
  Period: z.number(),
  Metric: z.object({ Namespace: z.string(), MetricName: z.string(), Dimensions: z.array(z.unknown()) }),
});
const Expression = z.array(z.object({ MetricStat: z.optional(Stat) }));

/** The addresses that functions call. */
export interface Places {
  readonly emulator: string;
  readonly stripe: string;
}

/** Every difference between the packaged template and the one that is deployed here. */
export const STUBS: readonly Stub[] = [
  {
    part: 'CodeDeploy application, deployment groups, and the update policy of aliases',
    reason: 'The emulator has no CodeDeploy.',
    instead: 'Left out. An alias moves to a new version at once.',
    apply: (template) =>
      removeType(template, /^AWS::CodeDeploy::/) +
      change(template, 'AWS::Lambda::Alias', (alias) => {
        delete alias.UpdatePolicy;
        return true;
      }),
  },
  {
    part: 'Alarms with an expression',
    reason: 'The emulator refuses `Metrics`.',
    instead: 'An alarm of the same name and actions on the first metric of the expression.',
    apply: (template) => change(template, 'AWS::CloudWatch::Alarm', watchFirstMetric),
  },
  {
    part: 'Saved log queries',
    reason: 'The emulator does not know `AWS::Logs::QueryDefinition`.',
    instead: 'Left out.',
    apply: (template) => removeType(template, /^AWS::Logs::QueryDefinition$/),
  },
  {
    part: 'Runtime `nodejs24.x`',
    reason:
      'The emulator runs it with a harness of its own. It leaves the cookies of a request in the header.',
    instead:
      "A custom runtime: the package's own code, and a `bootstrap` that starts AWS's runtime interface client " +
      '`aws-lambda-ric` on the same Node. For the billing pages, `bootstrap` moves the cookies to `cookies`.',
    apply: (template) =>
      change(template, 'AWS::Lambda::Function', (one) => {
        one.Properties = { ...one.Properties, Runtime: 'provided.al2023' };
        return true;
      }),
  },
  {
    part: 'Environment of the functions',
    reason: "Without more variables, functions would call AWS's Parameter Store and SES, and Stripe.",
    instead:
      '`AWS_ENDPOINT_URL_SSM`, `AWS_ENDPOINT_URL_LAMBDA` and `AWS_ENDPOINT_URL_SESV2` name the emulator, ' +
      '`STRIPE_API_BASE` names the stand-in for Stripe, and `API_URL` the address by path.',
    apply: (template, { emulator, stripe }) =>
      change(template, 'AWS::Lambda::Function', (one) => {
        const { Variables } = Environment.parse(one.Properties?.['Environment']);
        const more = {
          AWS_ENDPOINT_URL_SSM: emulator,
          AWS_ENDPOINT_URL_LAMBDA: emulator,
          AWS_ENDPOINT_URL_SESV2: emulator,
          STRIPE_API_BASE: stripe,
          ...('API_URL' in Variables && { API_URL: addressByPath(emulator) }),
        };
        one.Properties = { ...one.Properties, Environment: { Variables: { ...Variables, ...more } } };
        return true;
      }),
  },
  {
    part: 'Resources of the permissions `ses:SendEmail` and `cloudwatch:DescribeAlarms`',
    reason:
      'The emulator judges these calls by their action alone, on `*`. It does not know the key `ses:FromAddress`.',
    instead: 'These actions on `*`, without the condition. `check:template` holds resources and condition.',
    apply: (template) =>
      change(template, 'AWS::IAM::Role', allowEverywhere) +
      change(template, 'AWS::IAM::ManagedPolicy', allowEverywhere),
  },
  {
    part: 'Output `ApiUrl`',
    reason:
      'The emulator answers `/health` on every host name, and a name below `localhost` is not resolved ' +
      'everywhere.',
    instead: 'The address of the same API by path.',
    apply: ({ Outputs }, { emulator }) => {
      if (Outputs?.['ApiUrl'] === undefined) return 0;
      Outputs['ApiUrl'] = { Value: addressByPath(emulator) };
      return 1;
    },
  },
];

const addressByPath = (emulator: string) => sub(`${emulator}/_aws/execute-api/\${HttpApi}/$default`);

/** A copy of the template with every stub. @throws Error for a stub that has nothing to replace any more */
export function stubbed(packaged: Template, places: Places): Template {
  const template = structuredClone(packaged);
  for (const { part, apply } of STUBS) {
    if (apply(template, places) === 0)
      throw new Error(`The template has none of: ${part}. Remove the stub from checks/deploy/stubs.ts.`);
  }
  return template;
}

function removeType(template: Template, type: RegExp): number {
  const ids = Object.keys(template.Resources).filter((id) => type.test(template.Resources[id]?.Type ?? ''));
  for (const id of ids) delete template.Resources[id];
  return ids.length;
}

/** @param edit returns whether it changed the resource */
const change = (template: Template, type: string, edit: (resource: Resource) => boolean): number =>
  Object.values(template.Resources)
    .filter(({ Type }) => Type === type)
    .filter(edit).length;

const JUDGED_BY_ACTION: ReadonlySet<string> = new Set(['ses:SendEmail', 'cloudwatch:DescribeAlarms']);

const allowEverywhere = (policy: Resource): boolean =>
  editStatements(policy, (statement) =>
    [statement.Action].flat().every((action) => JUDGED_BY_ACTION.has(action))
      ? { Effect: statement.Effect, Action: statement.Action, Resource: '*' }
      : statement,
  );

/** A statistic like `p99` has another property than one like `Sum`. */
function watchFirstMetric(alarm: Resource): boolean {
  const { Metrics, ...rest } = alarm.Properties ?? {};
  if (Metrics === undefined) return false;
  const first = Expression.parse(Metrics).find(({ MetricStat }) => MetricStat !== undefined)?.MetricStat;
  if (first === undefined) throw new Error('An alarm has an expression without a metric.');
  const { Stat: statistic, Period, Metric } = first;
  const name = /^p\d/.test(statistic) ? 'ExtendedStatistic' : 'Statistic';
  alarm.Properties = { ...rest, ...Metric, Period, [name]: statistic };
  return true;
}
