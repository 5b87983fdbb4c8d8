import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import * as z from 'zod/mini';
import { PROJECT_ROOT } from '../../cli/stage/serverless-file.ts';
import type { RecordedCall } from './recording-proxy.ts';

/* A right is what a role allows and a call takes: `dynamodb:Query tableIndexArn`, the action and what it is done to. */

const Statement = z.object({
  Action: z.array(z.string()),
  Resource: z.union([z.string(), z.array(z.string())]),
});
const ServerlessFile = z.object({
  custom: z.record(z.string(), z.unknown()),
  functions: z.record(z.string(), z.object({ iamRoleStatements: z.array(z.union([z.string(), Statement])) })),
});

/** What serverless.yml has each function's role allow, by the function. */
export function grantedRights(): ReadonlyMap<string, readonly string[]> {
  const text = readFileSync(join(PROJECT_ROOT, 'serverless.yml'), 'utf8');
  // Tags like !Sub belong to CloudFormation: their plain value is enough, and a warning for each is not wanted.
  const { custom, functions } = ServerlessFile.parse(parse(text, { logLevel: 'error' }));
  const written = (statement: string | z.output<typeof Statement>) => {
    if (typeof statement !== 'string') return statement;
    return Statement.parse(custom[/^\$\{self:custom\.(\w+)\}$/.exec(statement)?.[1] ?? '']);
  };
  return new Map(
    Object.entries(functions).map(([name, { iamRoleStatements }]) => {
      const rights = iamRoleStatements
        .map(written)
        .flatMap(({ Action, Resource }) =>
          [Resource].flat().flatMap((resource) => Action.map((action) => `${action} ${lastWord(resource)}`)),
        );
      return [name, rights];
    }),
  );
}

/** What tells resources apart: a parameter's own name, or that of the variable that stands for the resource. */
const lastWord = (resource: string): string => /([\w-]+)\}?$/.exec(resource)?.[1] ?? resource;

const TableCall = z.object({
  IndexName: z.optional(z.string()),
  TransactItems: z.optional(z.array(z.record(z.string(), z.unknown()))),
});

/** What a call of DynamoDB takes. A transaction takes no right of its own but those of its members. */
export function rightsForTableCall({ operation, body }: RecordedCall): string[] {
  const { IndexName, TransactItems } = TableCall.parse(JSON.parse(body));
  if (TransactItems === undefined)
    return [`dynamodb:${operation} ${IndexName === undefined ? 'tableArn' : 'tableIndexArn'}`];
  return TransactItems.flatMap(Object.keys).map((member) => `dynamodb:${member}Item tableArn`);
}
