/*
 * What a reconciliation has to name although nothing is broken: people made it so at Stripe, and support has to decide.
 */

const FINDINGS: readonly RegExp[] = [/^two go on: /];

/** Whether the auditor is right to name this, and nothing here is wrong. */
export const isForSupport = (message: string): boolean => FINDINGS.some((finding) => finding.test(message));
