/*
 * Findings that a reconciliation must report although nothing is broken: changes at Stripe that support must
 * decide.
 */

/** Whether this finding is correct. `forPeople` are payments that only a person can return. */
export function isForSupport(message: string, forPeople: ReadonlySet<string>): boolean {
  if (message.startsWith('concurrent subscriptions: ')) return true;
  const [, payment = ''] = /^money short: .*\b(?:of )?payment (\S+) (?:is|was) /.exec(message) ?? [];
  return forPeople.has(payment);
}
