import { beforeEach } from 'vitest';

/**
 * Tests of the connection to an engine or of its time-outs: mutation runs have no engine. Also tests in which
 * the SDK waits half a second before a retry, which is too slow for each mutant.
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
