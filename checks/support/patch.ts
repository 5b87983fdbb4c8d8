/** A replacement in a source file, applied when the file loads. */
export interface Patch {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** Applies patches to a source. @throws Error for a patch whose text does not occur exactly once */
export function patched(source: string, patches: readonly Patch[]): string {
  return patches.reduce((text, { file, find, replace }) => {
    const [, after, ...more] = text.split(find);
    if (after === undefined || more.length > 0) throw new Error(`${file} must contain exactly once: ${find}`);
    return text.replace(find, () => replace);
  }, source);
}

/** The patches of a file, by its URL or path. */
export const patchesOf = (patches: readonly Patch[], place: string): readonly Patch[] =>
  patches.filter(({ file }) => place.endsWith(`/${file}`));
