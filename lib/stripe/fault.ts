/**
 * What can go wrong with Stripe, told apart by what the caller has to do.
 * - `declined`: the card was refused. `authentication_required`: the bank wants the cardholder.
 * - `refused`: what was named cannot be used (a payment method that is not there, or somebody else's); a repeat cannot help.
 * - `transient`: nothing happened; try again. `indeterminate`: it may have happened; ask again with the same key.
 * - `misconfigured`: our key, our price or our code is wrong; people have to look.
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
  /** Stripe did answer, only not with an outcome; otherwise the line was cut or the time was up. */
  readonly answered?: boolean;
  /** The answer of an earlier call under the same key: asking again will not change it. */
  readonly replayed?: boolean;
}

/** The one error of the Stripe port. Its message is for logs: it holds no key, no card and nothing the caller sent. */
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

/** The code of a refusal: what was to be put on file is a payment method, but not a card. */
export const NOT_A_CARD = 'not_a_card';
/** Stripe's code for an address that it does not accept, though mail reaches it. */
export const EMAIL_INVALID = 'email_invalid';

export const isFault = (error: unknown, ...kinds: readonly StripeFaultKind[]): error is StripeFault =>
  error instanceof StripeFault && kinds.includes(error.kind);
