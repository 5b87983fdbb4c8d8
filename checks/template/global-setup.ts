import { readFile } from 'node:fs/promises';
import type { TestProject } from 'vitest/node';
import { CHECKED_STAGES, withPackaged } from './package-stage.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The packaged templates, by stage. */
    templates: Readonly<Record<string, unknown>>;
  }
}

export default async function packageOnce(project: TestProject): Promise<void> {
  const packaged = new Map<string, unknown>();
  for (const stage of CHECKED_STAGES) {
    const text = await withPackaged(stage, (template) => readFile(template, 'utf8'));
    packaged.set(stage, JSON.parse(text));
  }
  project.provide('templates', Object.fromEntries(packaged));
}
