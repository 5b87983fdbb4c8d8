import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { fileURLToPath } from 'node:url';

/** A place in a stack trace: the URL of a file, a line and a column, counted from 1. */
const PLACE = /(file:\/\/[^\s():]+\.mjs):(\d+):(\d+)/g;

/**
 * A stack trace with the places of the source instead of the bundle. Node's own option does this too, but
 * then Node reads the whole map of every file at each start, which is a twelfth of a cold start. Here a map
 * is read for the first error. A place without a map stays as it is.
 */
export const mappedStack = (stack: string): string =>
  stack.replace(PLACE, (place, file: string, line: string, column: string) => {
    const entry = mapOf(file)?.findEntry(Number(line) - 1, Number(column) - 1);
    if (entry === undefined || !('originalSource' in entry)) return place;
    const { originalLine, originalColumn } = entry;
    // Code that the build made itself has no source, although Node's types promise one.
    const originalSource: unknown = entry.originalSource;
    if (typeof originalSource !== 'string' || originalSource.endsWith(LIBRARY)) return place;
    return `${originalSource.replace(/^(?:\.\.\/)+/, '')}:${originalLine + 1}:${originalColumn + 1}`;
  });

/** What the build writes for all libraries (esbuild-plugins.ts). */
const LIBRARY = '/library';

const maps = new Map<string, SourceMap | undefined>();

function mapOf(file: string): SourceMap | undefined {
  if (!maps.has(file)) maps.set(file, readMap(file));
  return maps.get(file);
}

function readMap(file: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(`${fileURLToPath(file)}.map`, 'utf8')));
  } catch {
    return undefined;
  }
}
