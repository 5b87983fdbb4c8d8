import { registerHooks } from 'node:module';
import { patched, patchesOf } from '../../support/patch.ts';
import { BUGS } from './table.ts';

/* Loaded before the simulation: patches the source with the bug that BUG names while Node loads it. */

const bug = BUGS.find(({ name }) => name === process.env['BUG']);
if (bug === undefined) throw new Error(`BUG must be one of: ${BUGS.map(({ name }) => name).join(', ')}`);

registerHooks({
  load: (url, context, nextLoad) => {
    const loaded = nextLoad(url, context);
    const patches = patchesOf(bug.patches, url);
    if (patches.length === 0) return loaded;
    const { source } = loaded;
    const text =
      typeof source === 'string' ? source : Buffer.from(new Uint8Array(bytesOf(source))).toString();
    return { ...loaded, source: patched(text, patches) };
  },
});

function bytesOf(source: unknown): Uint8Array {
  if (source instanceof Uint8Array) return source;
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  throw new Error('the module has no source');
}
