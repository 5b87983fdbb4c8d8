type Reference = string | { readonly id: string } | null | undefined;

/** The id of a reference, expanded or not. */
export function idOf(reference: Reference): string | null {
  if (reference === null || reference === undefined) return null;
  return typeof reference === 'string' ? reference : reference.id;
}
