import { readFileSync } from 'node:fs';
import type { TestProject } from 'vitest/node';
import { CHECKED_STAGES, REDEPLOYED, TEMPLATES_VARIABLE, templateOf } from './package-stage.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The packaged templates, by stage. */
    templates: Readonly<Record<string, unknown>>;
  }
}

export default function readTemplates(project: TestProject): void {
  const folder = process.env[TEMPLATES_VARIABLE];
  if (folder === undefined)
    throw new Error(`${TEMPLATES_VARIABLE} is not set: npm run check:template sets it.`);
  const templates = ([...CHECKED_STAGES, REDEPLOYED] as const).map((name) => [
    name,
    JSON.parse(readFileSync(templateOf(name, folder), 'utf8')),
  ]);
  project.provide('templates', Object.fromEntries(templates));
}
