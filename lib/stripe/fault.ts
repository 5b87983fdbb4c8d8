/**
 * Failures of Stripe calls, by what the caller has to do.
 * - `declined`: the card was declined. `authentication_required`: the bank asks for the cardholder.
 * - `refused`: the named object is missing or cannot be used (another customer's method, for example). Do not
 * retry.
 * - `transient`: nothing happened; retry. `indeterminate`: it may have happened; retry with the same key.
 * - `misconfigured`: our key, price or code is wrong; an engineer must look.
 */
export type StripeFaultKind =
  | 'declined'
  | 'authentication_required'
  | 'refused'
  | 'transient'
  | 'indeterminate'
  | 'misconfigured';

export interface StripeFaultFacts {
  readonly code?: string | undefined;
  readonly declineCode?: string | undefined;
  /** The parameter at fault. */
  readonly param?: string | undefined;
  readonly requestId?: string | undefined;
  /** Stripe answered, but without an outcome. False: the connection failed or timed out. */
  readonly answered?: boolean;
  /** The stored answer of an earlier call under the same key. A retry with that key gets it again. */
  readonly replayed?: boolean;
}

/** The only error of the Stripe port. The message is for logs: it has no key, no card and no caller input. */
export class StripeFault extends Error {
  readonly kind: StripeFaultKind;
  readonly facts: StripeFaultFacts;

  constructor(kind: StripeFaultKind, facts: StripeFaultFacts = {}) {
    const { code, param, requestId } = facts;
    const details = [code, param && `param ${param}`, requestId && `request ${requestId}`];
    super([`Stripe: ${kind}`, ...details.filter((detail) => detail !== undefined)].join(', '));
    this.name = 'StripeFault';
    this.kind = kind;
    this.facts = facts;
  }
}

/** The code of a refusal: the payment method is not a card. */
export const NOT_A_CARD = 'not_a_card';
/** Stripe's code for an e-mail address that it rejects, although mail may reach it. */
export const EMAIL_INVALID = 'email_invalid';

/** Whether an error is a `StripeFault` of one of these kinds. Without kinds, always false. */
export const isFault = (error: unknown, ...kinds: readonly StripeFaultKind[]): error is StripeFault =>
  error instanceof StripeFault && kinds.includes(error.kind);
