import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { PROJECT_ROOT } from '../stage/serverless-file.ts';

/**
 * A YAML file of the project. Only the plain value of CloudFormation tags like !Sub is needed, without a
 * warning.
 */
export const readYaml = (name: string): unknown =>
  parse(readFileSync(join(PROJECT_ROOT, name), 'utf8'), { logLevel: 'error' });

export interface Variables {
  /** The whole file with its variables unresolved. */
  readonly raw: unknown;
  readonly stage: string;
  readonly params: Readonly<Record<string, unknown>>;
}

const VARIABLE = /\$\{(sls:stage|self:[\w.-]+|param:\w+|file\([\w./-]+\))\}/;
const WHOLE = new RegExp(`^${VARIABLE.source}$`);

/**
 * The value with the framework's variables resolved. Supports only the kinds that the service uses in names.
 */
export function resolved(value: unknown, variables: Variables): unknown {
  if (typeof value === 'string') return resolvedText(value, variables);
  if (Array.isArray(value)) return value.map((one) => resolved(one, variables));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, resolved(one, variables)]));
}

function resolvedText(text: string, variables: Variables): unknown {
  const whole = WHOLE.exec(text)?.[1];
  if (whole !== undefined) return resolved(variableValue(whole, variables), variables);
  const part = VARIABLE.exec(text);
  if (part?.[1] === undefined) return text;
  const value = String(resolved(variableValue(part[1], variables), variables));
  return resolvedText(
    text.replace(part[0], () => value),
    variables,
  );
}

function variableValue(variable: string, { raw, stage, params }: Variables): unknown {
  if (variable === 'sls:stage') return stage;
  const file = /^file\((.+)\)$/.exec(variable)?.[1];
  if (file !== undefined) return readYaml(file);
  const [kind, path = ''] = variable.split(':');
  if (kind === 'param') return params[path];
  return path.split('.').reduce<unknown>(memberOf, raw);
}

const memberOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined;
