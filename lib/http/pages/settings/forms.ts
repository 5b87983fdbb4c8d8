import { emailFault, mailForm } from '../../../domain/email.ts';
import { MAX_LIMIT_CENTS } from '../../../domain/payments/spending.ts';
import type { ProblemCode } from '../../../errors.ts';
import { BillingError } from '../../../errors.ts';
import type { Reply } from '../../reply.ts';

/** The value of a field, or a sentence for the customer about what is wrong with it. */
export type Entry<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: string };

const entered = <T>(value: T): Entry<T> => ({ ok: true, value });
const faulty = (problem: string): Entry<never> => ({ ok: false, problem });

const CONTROL_CHARACTERS = /\p{Cc}/u;

/** One line of text, trimmed. @param label begins the sentence about a problem */
export function textIn(form: URLSearchParams, name: string, label: string, max: number): Entry<string> {
  const text = (form.get(name) ?? '').trim();
  if (text === '') return faulty(`${label} is required.`);
  if (text.length > max) return faulty(`${label} must have at most ${max} characters.`);
  if (CONTROL_CHARACTERS.test(text)) return faulty(`${label} must not contain control characters.`);
  return entered(text);
}

const MAX_EMAIL = 254;

/** An e-mail address, in the form in which sign-up stores it. */
export function emailIn(form: URLSearchParams, name: string): Entry<string> {
  const email = mailForm((form.get(name) ?? '').trim());
  if (email === '') return faulty('The e-mail address is required.');
  const fault = email.length > MAX_EMAIL ? `must have at most ${MAX_EMAIL} characters` : emailFault(email);
  if (fault === null) return entered(email);
  return faulty(fault.endsWith('?') ? `The e-mail address ${fault}` : `The e-mail address ${fault}.`);
}

const DOLLARS = /^\$?\s*(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d{1,2}))?$/;

/** US cents of an amount such as 290, $290.00 or 1,000. */
export function dollarsIn(form: URLSearchParams, name: string): Entry<number> {
  const text = (form.get(name) ?? '').trim();
  if (text === '') return faulty('Enter an amount in dollars, or choose "No limit".');
  const [, dollars, cents = ''] = DOLLARS.exec(text) ?? [];
  if (dollars === undefined) return faulty('Enter an amount in dollars, such as 290 or 290.50.');
  const amount = Number(dollars.replaceAll(',', '')) * 100 + Number(cents.padEnd(2, '0'));
  return amount <= MAX_LIMIT_CENTS ? entered(amount) : faulty('The limit can be at most $1,000,000.00.');
}

/** What the page says about each refusal; null for the message of the error. */
export type Refusals = Partial<Readonly<Record<ProblemCode, string | null>>>;

/**
 * Makes the change that a form asks for.
 * @param show returns the page again, with the reason of a refusal
 * @throws what `change` throws, unless it is in `refusals`
 */
export async function changed(
  change: () => Promise<Reply>,
  refusals: Refusals,
  show: (problem: string) => Reply | Promise<Reply>,
): Promise<Reply> {
  try {
    return await change();
  } catch (error) {
    const words = error instanceof BillingError ? refusals[error.code] : undefined;
    if (words === undefined || !(error instanceof BillingError)) throw error;
    return show(words ?? error.message);
  }
}
