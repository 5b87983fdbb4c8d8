import { expect, it } from 'vitest';
import { EMAIL_STATES, isAddressConfirmed, mayRecover } from '../../lib/domain/email-state.ts';

it('an earlier customer counts as confirmed for letters, and not for recovery', () => {
  const facts = EMAIL_STATES.map((emailState) => ({ emailState }));
  expect(facts.map(isAddressConfirmed)).toEqual([false, true, true]);
  expect(facts.map(mayRecover)).toEqual([false, false, true]);
});
