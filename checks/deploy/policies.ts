import * as z from 'zod/mini';
import type { Resource, Template } from '../../infrastructure/template.ts';

const Statement = z.looseObject({
  Effect: z.string(),
  Action: z.union([z.string(), z.array(z.string())]),
});
export type Statement = z.output<typeof Statement>;

const Document = z.looseObject({ Statement: z.array(Statement) });
const Role = z.looseObject({ Policies: z.array(z.looseObject({ PolicyDocument: Document })) });
const ManagedPolicy = z.looseObject({ PolicyDocument: Document });

/**
 * Replaces the statements of a role or a managed policy.
 * @param edit returns the statement itself if it stays
 * @returns whether a statement changed
 */
export function editStatements(resource: Resource, edit: (statement: Statement) => Statement): boolean {
  let changed = false;
  const edited = <D extends z.output<typeof Document>>(document: D): D => ({
    ...document,
    Statement: document.Statement.map((statement) => {
      const next = edit(statement);
      changed ||= next !== statement;
      return next;
    }),
  });
  if (resource.Type === 'AWS::IAM::Role') {
    const role = Role.parse(resource.Properties);
    const Policies = role.Policies.map((one) => ({ ...one, PolicyDocument: edited(one.PolicyDocument) }));
    resource.Properties = { ...role, Policies };
  } else {
    const policy = ManagedPolicy.parse(resource.Properties);
    resource.Properties = { ...policy, PolicyDocument: edited(policy.PolicyDocument) };
  }
  return changed;
}

/** A copy of the template in which a role or policy lacks an action. @throws Error if it never had the action */
export function withoutAction(template: Template, id: string, action: string): Template {
  const copy = structuredClone(template);
  const resource = copy.Resources[id];
  if (resource === undefined) throw new Error(`The template has no ${id}.`);
  const removed = editStatements(resource, (statement) => {
    const actions = [statement.Action].flat();
    if (!actions.includes(action)) return statement;
    // A statement needs an action: this one is allowed to every caller.
    const rest = actions.filter((one) => one !== action);
    return { ...statement, Action: rest.length > 0 ? rest : ['sts:GetCallerIdentity'] };
  });
  if (!removed) throw new Error(`${id} does not allow ${action}.`);
  return copy;
}
