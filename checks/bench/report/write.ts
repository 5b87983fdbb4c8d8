import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../../cli/stage/serverless-file.ts';
import type { Results } from '../measure.ts';
import { pageOf } from './page.ts';
import { picturesOf } from './pictures.ts';

/** Rewrites the page and its pictures, and removes old pictures. Returns the path of the page. */
export function writeReport(results: Results): string {
  const page = join(PROJECT_ROOT, 'docs', 'performance.md');
  const folder = join(PROJECT_ROOT, 'docs', 'performance');
  const pictures = picturesOf(results);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const [name, svg] of pictures) writeFileSync(join(folder, `${name}.svg`), svg);
  writeFileSync(page, pageOf(results));
  return page;
}
