import { spawnSync } from 'node:child_process';
import { optionsOf, runCheck } from '../support/program.ts';

const USAGE = `npm run check:dates    runs the tests of the model project on unusual dates: 6 minutes

Finds tests and rules that fail on some dates: in long or short months, at the end of a year, on 29 February.
Needs only the install.`;

/** Each is just before or after a date that is critical for a monthly subscription. */
const STARTS = [
  '2026-11-30T12:00:00Z',
  '2026-12-31T23:58:00Z',
  '2027-01-31T12:00:00Z',
  '2027-02-28T23:58:00Z',
  '2028-02-29T00:00:00Z',
  '2028-03-01T00:30:00Z',
];

optionsOf(USAGE, {});
await runCheck(() => {
  const failed = STARTS.filter((start) => !passesOn(start));
  console.log(
    `\n${STARTS.length - failed.length} days passed, ${failed.length} failed${failed.map((day) => `, ${day}`).join('')}`,
  );
  return failed.length === 0;
});

function passesOn(start: string): boolean {
  console.log(`\nThe tests as of ${start}`);
  const { status } = spawnSync(
    'vitest',
    ['run', '--project', 'model', '--project', 'functions', '--reporter=dot'],
    {
      stdio: 'inherit',
      env: { ...process.env, TEST_DATE: start },
    },
  );
  return status === 0;
}
