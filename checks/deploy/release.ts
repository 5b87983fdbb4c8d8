import * as z from 'zod/mini';
import type { Template } from '../../infrastructure/template.ts';
import { parseTemplate } from './stack.ts';

const MORE_MEMORY = 128;
const Sized = z.object({ MemorySize: z.number() });

/**
 * The next release of a packaged template, in the form in which the framework writes one: a function with
 * other settings, and a version of it under a new logical id. Versions are never changed, only replaced.
 * @throws Error if the function has no version
 */
export function nextRelease(template: Template, functionId: string): Template {
  const version = Object.entries(template.Resources).find(
    ([, { Type, Properties }]) =>
      Type === 'AWS::Lambda::Version' &&
      JSON.stringify(Properties?.['FunctionName']) === JSON.stringify({ Ref: functionId }),
  )?.[0];
  if (version === undefined) throw new Error(`${functionId} has no version.`);
  const next = parseTemplate(JSON.stringify(template).replaceAll(`"${version}"`, `"${version}Next"`));
  const changed = next.Resources[functionId];
  if (changed === undefined) throw new Error(`The template has no ${functionId}.`);
  const { MemorySize } = Sized.parse(changed.Properties);
  changed.Properties = { ...changed.Properties, MemorySize: MemorySize + MORE_MEMORY };
  return next;
}
