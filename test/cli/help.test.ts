import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import stringWidth from 'string-width';
import { describe, expect, it, onTestFinished } from 'vitest';
import { buildProgram } from '../../cli/program.ts';
import { Runner } from '../../cli/stage/session.ts';
import { runCommand } from '../support/command-line.ts';

const { stdin, stdout, stderr, env } = process;
const interrupt = { signal: new AbortController().signal, request: () => {} };
const program = buildProgram(new Runner({ stdin, stdout, stderr, env, interrupt }));

const withItsCommands = (command: CommandUnknownOpts): CommandUnknownOpts[] => [
  command,
  ...command.commands.flatMap(withItsCommands),
];
const pathOf = (command: CommandUnknownOpts): string =>
  command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;

/** As it is shown: `helpInformation` leaves out what was added to it. */
function helpOf(command: CommandUnknownOpts): string {
  const help: string[] = [];
  command.configureOutput({ writeOut: (part) => help.push(part), getOutHelpWidth: () => 80 });
  command.outputHelp();
  return help.join('');
}

describe.each(withItsCommands(program).map((command) => [pathOf(command), command] as const))(
  '%s --help',
  (path, command) => {
    it('says what it does, with examples that are of this command and can be pasted', () => {
      expect(command.description()).not.toBe('');
      const [, shown = ''] = helpOf(command).split('Examples:\n');
      expect(shown).toContain(path.replace(/^rsolv-billing ?/, 'npx rsolv-billing '));
      expect(shown).not.toMatch(/^ *rsolv-billing/m);
    });

    it('has a summary in the list above it, and fits 80 columns', () => {
      if (command.parent !== null) expect(command.summary()).not.toBe('');
      for (const line of helpOf(command).split('\n'))
        expect([line, stringWidth(line) <= 80]).toEqual([line, true]);
    });

    it('tells of the options of every command', () => {
      expect(helpOf(command)).toMatch(/--stage <stage>[\s\S]*--json/);
    });
  },
);

describe('what is not right on the command line is said, with exit code 2', () => {
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
    [['ledger', 'show', ID, '--cursor', 'x'], 'a cursor that a page before it ended with'],
    [['customer', 'list', '--cursor', 'x'], 'a cursor that a page before it ended with'],
    [['adjust', ID, '5'], "required option '--reason <text>'"],
    [['adjust', ID, '0', '--reason', 'x'], 'a whole number of credits, not zero'],
    [['adjust', ID, '1.5', '--reason', 'x'], 'a whole number of credits, not zero'],
    [['adjust', ID, '5', '--reason', ' '], '1 to 500 characters'],
    [['adjust', ID, '5', '--reason', 'x', '--key', 'a key'], 'letters, digits and _.:-'],
    [['events', 'show', '1234'], 'the id of an event at Stripe, evt_…'],
    [['events', 'replay'], 'Name an event, or give --parked.'],
    [['keys', 'revoke', ID, 'abc', '--reason', 'x'], 'at least the first 8 of its 64 hexadecimal digits'],
    [['charges', 'settle', '--older-than', 'an hour'], 'a whole number of seconds'],
  ])('%j', async (args, said) => {
    const { code, stdout: out } = await runCommand([...args, '--json'], { PORT: '4996' });
    expect(code).toBe(2);
    expect(JSON.parse(out)).toEqual({ error: { code: 'usage', detail: expect.stringContaining(said) } });
  });

  it('for people on stderr, in lines of 80 columns', async () => {
    const { code, stdout: out, stderr: err } = await runCommand(['customer', 'show', 'acme'], {});
    expect([code, out]).toEqual([2, '']);
    expect(err.split('\n')).toEqual([
      "error command-argument value 'acme' is invalid for argument 'customer'. It must",
      'be a customer id, 32 hexadecimal digits, or an e-mail address.',
      'Add --help for usage and examples.',
      '',
    ]);
  });
});

describe('npx rsolv-billing', () => {
  it('says what to do in a clone where nothing is installed', async () => {
    const clone = mkdtempSync(join(tmpdir(), 'rsolv-billing-clone-'));
    onTestFinished(() => rmSync(clone, { recursive: true }));
    cpSync('cli/rsolv-billing.mjs', join(clone, 'cli/rsolv-billing.mjs'));
    const child = spawn(process.execPath, [join(clone, 'cli/rsolv-billing.mjs'), 'customer', 'list']);
    const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
    expect([code, said]).toEqual([
      1,
      "rsolv-billing cannot start: nothing is installed yet. Run npm ci in the project's folder first.\n",
    ]);
  });

  it("runs the project's own command line, asks no registry, and hands its exit code back", async () => {
    const cache = mkdtempSync(join(tmpdir(), 'rsolv-billing-npx-'));
    onTestFinished(() => rmSync(cache, { recursive: true }));
    const offline = { npm_config_cache: cache, npm_config_registry: 'http://127.0.0.1:9' };
    const npx = async (...args: string[]) => {
      const child = spawn('npx', ['rsolv-billing', ...args], { env: { ...env, ...offline, PORT: '4996' } });
      const [out, err, [code]] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        once(child, 'close'),
      ]);
      return { code, out, err };
    };
    expect(await npx('ledger', '--help')).toEqual({
      code: 0,
      out: expect.stringContaining('Usage: rsolv-billing ledger'),
      err: '',
    });
    expect(await npx('events', 'list', '--json')).toEqual({
      code: 3,
      out: expect.stringContaining('"stage_unreachable"'),
      err: '',
    });
  });
});
