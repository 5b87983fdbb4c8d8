import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';

/**
 * The folder `.cache/<name>`, which `fill` fills once. The folder gets its name only when it is complete, so
 * an interrupted download is never used.
 */
export function cachedFolder(name: string, fill: (folder: string) => void): string {
  const folder = resolve('.cache', name);
  if (existsSync(folder)) return folder;
  const unfinished = `${folder}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  try {
    fill(unfinished);
    renameSync(unfinished, folder);
    return folder;
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}
