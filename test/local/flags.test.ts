import { expect, it } from 'vitest';
import { readFlags, UsageError } from '../../local/stack/flags.ts';

const FLAGS = { watch: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const;
const read = (...args: string[]) => readFlags('npm start --', FLAGS, args);

it('readFlags parses long and short flags', () => {
  expect({ ...read('--watch', '-h') }).toEqual({ watch: true, help: true });
  expect({ ...read() }).toEqual({});
});

it.each([
  [['--wach'], "Unknown option '--wach'. npm start -- --help lists the flags."],
  [['-x'], "Unknown option '-x'. npm start -- --help lists the flags."],
  [['4001'], "Unexpected argument '4001'. npm start -- --help lists the flags."],
  [['--watch=yes'], "Option '--watch' does not take an argument. npm start -- --help lists the flags."],
])('the command line %j is refused in one line that names --help', (args, message) => {
  const refused = () => read(...args);
  expect(refused).toThrow(UsageError);
  expect(refused).toThrow(message);
});
