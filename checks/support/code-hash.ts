import { createHash } from 'node:crypto';
import { transform } from 'esbuild';

/** Import statements at the start of minified code. */
const IMPORTS = /^(?:import(?:[\s{*][^;]*?from)?\s*"[^"]*";\n?)+/;
const DYNAMIC_IMPORT = /\bimport\("[^"]*"\)/g;
const HASH_LENGTH = 16;

/** Hashes TypeScript without comments, layout and imports, so a moved file keeps its recorded results. */
export async function hashCode(source: string): Promise<string> {
  const { code } = await transform(source, { loader: 'ts', minifyWhitespace: true });
  return hashText(code.replace(IMPORTS, '').replace(DYNAMIC_IMPORT, 'import()'));
}

export const hashText = (text: string): string =>
  createHash('sha256').update(text).digest('hex').slice(0, HASH_LENGTH);
