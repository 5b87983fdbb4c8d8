import { globSync, readFileSync } from 'node:fs';
import * as z from 'zod/mini';
import { DEPENDENCIES } from '../steps.ts';
import { hashCode, hashText } from '../support/code-hash.ts';

const GENERATED = ['**/node_modules/**', '.cache/**'];
const Manifest = z.object({ dependencies: z.record(z.string(), z.string()) });
const hashes = new Map<string, Promise<string>>();

/**
 * Hashes the files that a step covers. TypeScript is hashed without comments, layout and imports, and no hash
 * contains a path. So a move or a new comment makes no result stale.
 * @throws Error for a pattern that matches no file, because its step would never become stale
 */
export async function hashOf(covers: readonly string[]): Promise<string> {
  const files = new Set(covers.flatMap(filesOf));
  const all = await Promise.all([...files].map(hashOnce));
  return hashText(all.sort().join('\n'));
}

function filesOf(pattern: string): string[] {
  if (pattern === DEPENDENCIES) return [pattern];
  const found = globSync(pattern, { exclude: GENERATED, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => `${parentPath}/${name}`);
  if (found.length === 0) throw new Error(`checks/steps.ts: no file matches ${pattern}.`);
  return found;
}

/** Cached, because several steps cover the same files. */
function hashOnce(file: string): Promise<string> {
  const known = hashes.get(file);
  if (known !== undefined) return known;
  const hash = hashFile(file);
  hashes.set(file, hash);
  return hash;
}

async function hashFile(file: string): Promise<string> {
  if (file === DEPENDENCIES) {
    const { dependencies } = Manifest.parse(JSON.parse(readFileSync('package.json', 'utf8')));
    return hashText(JSON.stringify(dependencies));
  }
  const text = readFileSync(file, 'utf8');
  return file.endsWith('.ts') ? hashCode(text) : hashText(text);
}
