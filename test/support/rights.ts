import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import * as z from 'zod/mini';
import { PROJECT_ROOT } from '../../cli/stage/serverless-file.ts';
import type { RecordedCall } from './recording-proxy.ts';

/*
 * A right is the action and its resource: `dynamodb:Query tableIndexArn`. Roles grant rights, calls need
 * them.
 */

const Statement = z.object({
  Action: z.array(z.string()),
  Resource: z.union([z.string(), z.array(z.string())]),
});
const ServerlessFile = z.object({
  custom: z.record(z.string(), z.unknown()),
  functions: z.record(z.string(), z.object({ iamRoleStatements: z.array(z.union([z.string(), Statement])) })),
});

/** The rights that serverless.yml grants each function's role. */
export function grantedRights(): ReadonlyMap<string, readonly string[]> {
  const text = readFileSync(join(PROJECT_ROOT, 'serverless.yml'), 'utf8');
  // Tags like !Sub belong to CloudFormation. Their plain value is enough, so their warnings are silenced.
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

/** The distinguishing part of a resource: a parameter's name, or that of the variable for the resource. */
const lastWord = (resource: string): string => /([\w-]+)\}?$/.exec(resource)?.[1] ?? resource;

const TableCall = z.object({
  IndexName: z.optional(z.string()),
  TransactItems: z.optional(z.array(z.record(z.string(), z.unknown()))),
});

/** The rights that a DynamoDB call needs. A transaction needs only the rights of its members. */
export function rightsForTableCall({ operation, body }: RecordedCall): string[] {
  const { IndexName, TransactItems } = TableCall.parse(JSON.parse(body));
  if (TransactItems === undefined)
    return [`dynamodb:${operation} ${IndexName === undefined ? 'tableArn' : 'tableIndexArn'}`];
  return TransactItems.flatMap(Object.keys).map((member) => `dynamodb:${member}Item tableArn`);
}
