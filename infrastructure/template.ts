/** What is used here of a CloudFormation template. */
export interface Template {
  Resources: Record<string, Resource>;
}

export interface Resource {
  readonly Type: string;
  Properties?: Record<string, unknown>;
  DependsOn?: string | readonly string[];
  UpdatePolicy?: unknown;
  DeletionPolicy?: string;
}

/** Another resource of the template, as a value. */
export const ref = (logicalId: string) => ({ Ref: logicalId });
export const attribute = (logicalId: string, name: string) => ({ 'Fn::GetAtt': [logicalId, name] });
/** Text in which CloudFormation fills in what stands in `${…}`. */
export const sub = (text: string) => ({ 'Fn::Sub': text });

/** What a service of this account and region calls `resource`. */
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
