import { lookUp } from '../../look-up.ts';

/** A dispute's state, and what follows for the account. */
interface Meaning {
  readonly state: string;
  readonly meaning: string;
}

const WHILE_OPEN = 'Until it is decided, no card is charged. Credits still pay for fixes.';

const TAKEN_BACK = 'Your bank took the money back for now. If it paid for Pro, its credits were removed.';

const INQUIRY: Meaning = { state: 'Your bank asks about it', meaning: `No money was moved. ${WHILE_OPEN}` };
const OPEN: Meaning = { state: 'Open', meaning: `${TAKEN_BACK} ${WHILE_OPEN}` };

/** By Stripe's status. `won` and `lost` are from the merchant's point of view. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  warning_needs_response: INQUIRY,
  warning_under_review: INQUIRY,
  warning_closed: { state: 'Closed', meaning: 'Your bank has closed its inquiry. Nothing has changed.' },
  needs_response: OPEN,
  under_review: OPEN,
  appeal_needs_response: OPEN,
  appeal_under_review: OPEN,
  won: {
    state: 'Closed: the payment stands',
    meaning: 'RSOLV has the money again. If it paid for Pro, its credits are back.',
  },
  lost: {
    state: 'Closed: the money was returned to you',
    meaning: 'If it paid for Pro, its credits stay removed. If it paid for a fix, the fix stays billed.',
  },
  prevented: { state: 'Closed before it was decided', meaning: 'Cards can be charged again.' },
};

/** @param status Stripe's. An unknown one counts as open, as it does when a card is about to be charged */
export const meaningOf = (status: string): Meaning => lookUp(MEANINGS, status) ?? OPEN;
