import { beforeEach } from 'vitest';

/**
 * Tests that say something of the way to an engine, or of the time that passes on it: there is none here. And those in which
 * the SDK waits half a second before it asks again, for each mutant anew.
 */
const LEFT_OUT = [
  /^is sent again where Stripe answers/,
  /^a sign-up whose answer was lost/,
  /^whose write was made, and the answer lost/,
  /^is sent again where the table does not answer/,
  /^is not warned any more once the account is closed/,
  /^goes on where it died, after/,
  /^costs the same with/,
];

beforeEach(({ task, skip }) => {
  skip(
    LEFT_OUT.some((name) => name.test(task.name)),
    'needs an engine, or time',
  );
});
