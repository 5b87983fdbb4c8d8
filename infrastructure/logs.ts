import type { DeployedService } from './service.ts';
import type { Template } from './template.ts';

/** Who changed which account, and why, is kept for more than a year, even without the stack. */
const OPERATORS_DAYS = 400;

/**
 * Keeps the logs of the operators' functions, and takes the right to create log groups from every role: the
 * template creates them all.
 */
export function keepLogs({ Resources }: Template, service: DeployedService): void {
  const operators = new Set(
    service.functions
      .filter(({ operator }) => operator)
      .map(({ key }) => `/${service.name}-${service.stage}-${key}`),
  );
  for (const resource of Object.values(Resources)) {
    const { Type, Properties } = resource;
    if (Type === 'AWS::IAM::Role') resource.Properties = withoutCreation(Properties);
    if (Type !== 'AWS::Logs::LogGroup') continue;
    const name = JSON.stringify(Properties?.['LogGroupName'] ?? '');
    if (![...operators].some((end) => name.endsWith(`${end}"`))) continue;
    resource.Properties = { ...Properties, RetentionInDays: OPERATORS_DAYS };
    // Not after a first deploy that failed: the next one could not create the log again.
    resource.DeletionPolicy = 'RetainExceptOnCreate';
    resource.UpdateReplacePolicy = 'Retain';
  }
}

const CREATION = 'logs:CreateLogGroup';

function withoutCreation(value: Record<string, unknown> | undefined): Record<string, unknown> {
  const copy: unknown = JSON.parse(JSON.stringify(value ?? {}), (key, inner: unknown) =>
    key === 'Action' && Array.isArray(inner) ? inner.filter((action) => action !== CREATION) : inner,
  );
  return typeof copy === 'object' && copy !== null ? { ...copy } : {};
}
