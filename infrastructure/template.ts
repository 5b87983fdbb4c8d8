/** The parts of a CloudFormation template that are used here. */
export interface Template {
  Resources: Record<string, Resource>;
  Outputs?: Record<string, unknown>;
}

export interface Resource {
  readonly Type: string;
  Properties?: Record<string, unknown>;
  DependsOn?: string | readonly string[];
  UpdatePolicy?: unknown;
  DeletionPolicy?: string;
  UpdateReplacePolicy?: string;
}

/** A reference to another resource of the template. */
export const ref = (logicalId: string) => ({ Ref: logicalId });
export const attribute = (logicalId: string, name: string) => ({ 'Fn::GetAtt': [logicalId, name] });
/** Text whose `${…}` placeholders CloudFormation replaces. */
export const sub = (text: string) => ({ 'Fn::Sub': text });

/** The ARN of `resource` in this account and region. */
export const arn = (service: string, resource: string) =>
  sub(`arn:\${AWS::Partition}:${service}:\${AWS::Region}:\${AWS::AccountId}:${resource}`);

/** The logical ids that a value refers to by Ref or Fn::GetAtt, at any depth. */
export function referencesIn(value: unknown): ReadonlySet<string> {
  const found = new Set<string>();
  collectReferences(value, found);
  return found;
}

function collectReferences(value: unknown, found: Set<string>): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    if (key === 'Ref' && typeof inner === 'string') found.add(inner);
    else if (key === 'Fn::GetAtt' && Array.isArray(inner)) found.add(String(inner[0]));
    else collectReferences(inner, found);
  }
}
