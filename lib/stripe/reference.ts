type Reference = string | { readonly id: string } | null | undefined;

/** The id of what Stripe refers to, whether it was expanded or not. */
export function idOf(reference: Reference): string | null {
  if (reference === null || reference === undefined) return null;
  return typeof reference === 'string' ? reference : reference.id;
}
