const CENTS = /^\d{1,9}$/;

/** The amount on a form's button, in US cents, which the customer agrees to; null if the form has none. */
export function agreedCents(form: URLSearchParams): number | null {
  const sent = form.get('cents') ?? '';
  return CENTS.test(sent) ? Number(sent) : null;
}
