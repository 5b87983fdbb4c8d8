import { registerHooks } from 'node:module';
import { BESIDE, BUGS } from './bugs.ts';

/* Loaded before the simulation: puts the mistake that BUG names into the source while it is read. */

const bug = BUGS.find(({ name }) => name === process.env['BUG']);
if (bug === undefined) throw new Error(`BUG names none of: ${BUGS.map(({ name }) => name).join(', ')}`);

registerHooks({
  load: (url, context, nextLoad) => {
    const loaded = nextLoad(url, context);
    if (!url.endsWith(`/${bug.file}`)) return loaded;
    const source = String(
      typeof loaded.source === 'string' ? loaded.source : Buffer.from(new Uint8Array(bytesOf(loaded.source))),
    );
    if (!source.includes(bug.find)) throw new Error(`${bug.file} has no: ${bug.find}`);
    return { ...loaded, source: source.replace(bug.find, bug.replace) + (BESIDE[bug.name] ?? '') };
  },
});

function bytesOf(source: unknown): Uint8Array {
  if (source instanceof Uint8Array) return source;
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  throw new Error('a module without a source');
}
