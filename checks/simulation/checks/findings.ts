/*
 * What a reconciliation has to name although nothing is broken: people made it so at Stripe, and support has to decide.
 */

/** Whether the auditor is right to name this. `forPeople` are payments that only a person can return. */
export function isForSupport(message: string, forPeople: ReadonlySet<string>): boolean {
  if (message.startsWith('concurrent subscriptions: ')) return true;
  const [, payment = ''] = /^money short: .*\b(?:of )?payment (\S+) (?:is|was) /.exec(message) ?? [];
  return forPeople.has(payment);
}
