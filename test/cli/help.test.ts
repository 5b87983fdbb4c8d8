import { readFileSync } from 'node:fs';
import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { buildProgram } from '../../cli/program.ts';
import { openStage } from '../../cli/stage/open-stage.ts';
import { Runner } from '../../cli/stage/session.ts';
import { EXIT } from '../../cli/terminal/failure.ts';
import { runInShell } from '../support/cli/shell.ts';

const { stdin, stdout, stderr, env } = process;
const interrupt = { signal: new AbortController().signal, request: () => {} };
const shell = { stdin, stdout, stderr, env, interrupt, openStage };
const program = buildProgram(new Runner(shell), shell);

const withSubcommands = (command: CommandUnknownOpts): CommandUnknownOpts[] => [
  command,
  ...command.commands.flatMap(withSubcommands),
];
const pathOf = (command: CommandUnknownOpts): string =>
  command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;

/** The help as it is printed. `helpInformation` omits the added texts. */
function helpOf(command: CommandUnknownOpts): string {
  const help: string[] = [];
  command.configureOutput({ writeOut: (part) => help.push(part), getOutHelpWidth: () => 80 });
  command.outputHelp();
  return help.join('');
}

describe.each(withSubcommands(program).map((command) => [pathOf(command), command] as const))(
  '%s --help',
  (path, command) => {
    it('the help has a description and examples that can be pasted', () => {
      expect(command.description()).not.toBe('');
      const [, shown = ''] = helpOf(command).split('Examples:\n');
      expect(shown).toContain(path.replace(/^rsolv-billing ?/, 'npx rsolv-billing '));
      expect(shown).not.toMatch(/^ *rsolv-billing/m);
    });

    it('the help fits 80 columns, and the parent command lists a summary', () => {
      if (command.parent !== null) expect(command.summary()).not.toBe('');
      for (const line of helpOf(command).split('\n'))
        expect([line, stringWidth(line) <= 80]).toEqual([line, true]);
    });

    it('the help lists the global options', () => {
      expect(helpOf(command)).toMatch(/--stage <stage>[\s\S]*--json/);
    });
  },
);

describe('an invalid command line', () => {
  const ID = '0'.repeat(32);
  it.each([
    [['ledgr'], "unknown command 'ledgr'\n(Did you mean ledger?)"],
    [['customer', 'shwo', ID], "unknown command 'shwo'\n(Did you mean show?)"],
    [['ledger', 'verify', '--no-strip'], "unknown option '--no-strip'\n(Did you mean --no-stripe?)"],
    [['customer'], 'A command is missing.'],
    [[], 'A command is missing.'],
    [['customer', 'list', '--stage', 'prod'], 'Allowed choices are local, dev, staging, production.'],
    [['customer', 'show', 'acme'], 'a customer id, 32 hexadecimal digits, or an e-mail address'],
    [['customer', 'show', ID.toUpperCase().replace('0', 'G')], 'a customer id, 32 hexadecimal digits'],
    [['ledger', 'show', ID.slice(1)], 'a customer id, 32 hexadecimal digits'],
    [['ledger', 'show', ID, '--limit', '0'], 'a whole number from 1 to 1000'],
    [['ledger', 'show', ID, '--cursor', 'x'], 'a cursor from an earlier page'],
    [['customer', 'list', '--cursor', 'x'], 'a cursor from an earlier page'],
    [['adjust', ID, '5'], "required option '--reason <text>'"],
    [['adjust', ID, '0', '--reason', 'x'], 'a whole number of credits, not zero'],
    [['adjust', ID, '1.5', '--reason', 'x'], 'a whole number of credits, not zero'],
    [['adjust', ID, '5', '--reason', ' '], '1 to 500 characters'],
    [['adjust', ID, '5', '--reason', 'x', '--key', 'a key'], 'letters, digits and _.:-'],
    [['events', 'show', '1234'], 'the id of an event at Stripe, evt_…'],
    [['events', 'replay'], 'Name an event, or add --parked.'],
    [['keys', 'revoke', ID, 'abc', '--reason', 'x'], 'at least the first 8 of its 64 hexadecimal digits'],
    [['charges', 'settle', '--older-than', 'an hour'], 'a whole number of seconds'],
  ])('the invalid command line %j is refused with exit code 2 and a reason', async (args, detail) => {
    const { code, stdout: out } = await runInShell([...args, '--json'], { env: { PORT: '4996' } });
    expect(code).toBe(2);
    expect(JSON.parse(out)).toMatchObject({
      error: { code: 'usage', detail: expect.stringContaining(detail) },
    });
  });

  it('an invalid command line is reported on stderr, wrapped to the terminal', async () => {
    const {
      code,
      stdout: out,
      stderr: err,
    } = await runInShell(['customer', 'show', 'acme'], { columns: 80 });
    expect([code, out]).toEqual([2, '']);
    expect(err.split('\n')).toEqual([
      "\u001b[31merror\u001b[39m command-argument value 'acme' is invalid for argument 'customer'. It must",
      'be a customer id, 32 hexadecimal digits, or an e-mail address.',
      'Add --help for usage and examples.',
      '',
    ]);
  });
});

it('--version prints the version of the package', async () => {
  const { version } = z
    .object({ version: z.string() })
    .parse(JSON.parse(readFileSync('package.json', 'utf8')));
  expect(await runInShell(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
});

it('the help lists every exit code', () => {
  const codes = [...helpOf(program).matchAll(/^ {2}(\d+) {2}/gm)].map(([, code]) => Number(code));
  expect(codes).toEqual(Object.values(EXIT));
});
