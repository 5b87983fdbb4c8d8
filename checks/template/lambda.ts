import * as z from 'zod/mini';
import { referencesIn } from '../../infrastructure/template.ts';
import type { Template } from './template.ts';

/** CloudFormation's intrinsic functions stay as they are in the template. */
const Value = z.pipe(
  z.unknown(),
  z.transform((value) => (typeof value === 'string' ? value : JSON.stringify(value))),
);

const LambdaFunction = z.object({
  FunctionName: z.string(),
  Timeout: z.number(),
  ReservedConcurrentExecutions: z.optional(z.number()),
  TracingConfig: z.optional(z.object({ Mode: z.string() })),
  Role: z.object({ 'Fn::GetAtt': z.tuple([z.string(), z.literal('Arn')]) }),
  Environment: z.object({ Variables: z.record(z.string(), Value) }),
});
const Route = z.object({ RouteKey: z.string(), Target: z.unknown() });

export interface Deployed {
  readonly id: string;
  /** The name in serverless.yml. */
  readonly name: string;
  readonly timeout: number;
  readonly concurrency: number | undefined;
  readonly tracing: string | undefined;
  readonly role: string;
  readonly environment: Readonly<Record<string, string>>;
  /** For example `POST /api/v1/…`: each route to this function. */
  readonly routes: readonly string[];
}

/** The functions of a template, each with its routes. */
export function functionsOf(template: Template, stage: string): Deployed[] {
  const routes = template.ofType('AWS::ApiGatewayV2::Route').map(({ properties }) => {
    const { RouteKey, Target } = Route.parse(properties);
    return { key: RouteKey, function: functionBehind(template, Target) };
  });
  return template.ofType('AWS::Lambda::Function').map(({ id, properties }) => {
    const lambda = LambdaFunction.parse(properties);
    return {
      id,
      name: lambda.FunctionName.replace(`rsolv-billing-${stage}-`, ''),
      timeout: lambda.Timeout,
      concurrency: lambda.ReservedConcurrentExecutions,
      tracing: lambda.TracingConfig?.Mode,
      role: lambda.Role['Fn::GetAtt'][0],
      environment: lambda.Environment.Variables,
      routes: routes.filter((route) => route.function === id).map(({ key }) => key),
    };
  });
}

/** Follows references through integrations and aliases to a function. */
export function functionBehind(template: Template, value: unknown): string | undefined {
  for (const id of referencesIn(value)) {
    if (!template.has(id)) continue;
    const { Type, Properties } = template.resource(id);
    if (Type === 'AWS::Lambda::Function') return id;
    const next =
      Type === 'AWS::ApiGatewayV2::Integration' ? Properties['IntegrationUri'] : Properties['FunctionName'];
    const found = functionBehind(template, next);
    if (found !== undefined) return found;
  }
  return undefined;
}
