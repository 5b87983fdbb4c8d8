import type { DeployedService } from './service.ts';
import type { Resource } from './template.ts';

interface Query {
  readonly name: string;
  /** In the language of CloudWatch Logs Insights. */
  readonly lines: readonly string[];
}

/** Each problem code, with the number of requests that it refused. */
export const errorCodes = [
  'filter status >= 400',
  'stats count(*) as requests by code, status, route',
  'sort requests desc',
] as const;

/** Questions of a person on call. A text in capitals is to be replaced. */
const QUERIES: readonly Query[] = [
  {
    name: 'one customer',
    lines: ['filter customer_id = "CUSTOMER_ID"', 'sort @timestamp desc', 'limit 200'],
  },
  {
    name: 'one request',
    lines: ['filter request_id = "REQUEST_ID" or gateway_request_id = "REQUEST_ID"', 'sort @timestamp asc'],
  },
  { name: 'errors by code', lines: errorCodes },
  {
    name: 'callers over a limit',
    lines: [
      'filter code = "rate_limited"',
      'stats count(*) as requests by limit, route, customer_id',
      'sort requests desc',
    ],
  },
  {
    name: 'slowest requests',
    lines: [
      'filter ispresent(route) and ispresent(left_ms)',
      'fields @timestamp, route, status, left_ms, dynamodb_ms, dynamodb_retries, stripe_ms, ssm_ms',
      'sort left_ms asc',
      'limit 50',
    ],
  },
];

/** Saved queries over the logs of all functions, listed in the console under the stage's name. */
export function savedQueries(service: DeployedService): Record<string, Resource> {
  const { name, stage } = service;
  const groups = logGroups(service);
  return Object.fromEntries(
    QUERIES.map(({ name: title, lines }, index) => [
      `SavedQuery${index + 1}`,
      {
        Type: 'AWS::Logs::QueryDefinition',
        Properties: {
          Name: `${name}-${stage}/${title}`,
          LogGroupNames: groups,
          QueryString: lines.join('\n| '),
        },
      },
    ]),
  );
}

/** The log groups of all functions. */
export const logGroups = ({ name, stage, functions }: DeployedService): string[] =>
  functions.map(({ key }) => `/aws/lambda/${name}-${stage}-${key}`);
