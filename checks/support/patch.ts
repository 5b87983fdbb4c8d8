/** A change of the source, made while it is read: what stands there, and what stands there instead. */
export interface Patch {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** The source with its patches. @throws Error for a patch whose text is not there, or stands there twice */
export function patched(source: string, patches: readonly Patch[]): string {
  return patches.reduce((text, { file, find, replace }) => {
    const [, after, ...more] = text.split(find);
    if (after === undefined || more.length > 0) throw new Error(`${file} does not have once: ${find}`);
    return text.replace(find, () => replace);
  }, source);
}

/** Those for a file, by its address or path. */
export const patchesOf = (patches: readonly Patch[], place: string): readonly Patch[] =>
  patches.filter(({ file }) => place.endsWith(`/${file}`));
