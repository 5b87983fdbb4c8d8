import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BillingError } from '../../lib/errors.ts';
import { mappedStack } from '../../lib/runtime/mapped-stack.ts';
import { loggableError } from '../../lib/runtime/observe.ts';

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mapped-'));
  await build({
    stdin: {
      contents: '// one\n// two\nexport function fails(): Error {\n  return new Error("broken");\n}\n',
      loader: 'ts',
      sourcefile: '../lib/fails.ts',
    },
    outfile: join(folder, 'out', 'function.mjs'),
    format: 'esm',
    minify: true,
    sourcemap: 'linked',
    sourcesContent: false,
    absWorkingDir: folder,
  });
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('a stack trace in the log', () => {
  it('an error of a bundle is logged with the file and the line of its source', async () => {
    const { href } = pathToFileURL(join(folder, 'out', 'function.mjs'));
    const stack = `Error: broken\n    at r (${href}:1:31)\n    at async Object.before (${href}:1:5)`;
    expect(mappedStack(stack)).toMatch(/^Error: broken\n {4}at r \(lib\/fails\.ts:4:\d+\)\n/);
  });

  it('an error whose causes form a circle is logged, with the code of ours', () => {
    const error = new BillingError('payments_misconfigured', 'told');
    error.cause = error;
    expect(loggableError(error)).toMatchObject({
      code: 'payments_misconfigured',
      cause: { code: 'payments_misconfigured' },
    });
  });

  it('a place without a source map stays as it is', () => {
    const nowhere = `${pathToFileURL(join(folder, 'no-map.mjs')).href}:1:2`;
    const stack = `Error\n    at a (${nowhere})\n    at b (node:internal/process:5:6)`;
    expect(mappedStack(stack)).toBe(stack);
  });

  it('a place that the build made itself, without a source, stays as it is', () => {
    const file = join(folder, 'made.mjs');
    writeFileSync(`${file}.map`, JSON.stringify({ version: 3, sources: [], names: [], mappings: 'A' }));
    const stack = `Error\n    at a (${pathToFileURL(file).href}:1:2)`;
    expect(mappedStack(stack)).toBe(stack);
  });

  it('a damaged source map does not hide the error', () => {
    const file = join(folder, 'damaged.mjs');
    writeFileSync(`${file}.map`, 'no JSON');
    const stack = `Error\n    at a (${pathToFileURL(file).href}:1:2)`;
    expect(mappedStack(stack)).toBe(stack);
    const error = Object.assign(new Error('told'), { stack });
    expect(loggableError(error)).toEqual({ name: 'Error', message: 'told', stack });
  });
});
