import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildProgram } from '../../cli/program.ts';
import { openStage } from '../../cli/stage/open-stage.ts';
import { Runner } from '../../cli/stage/session.ts';

/* The targets in the documents exist: links, headings, paths, npm scripts, commands. */

const README_LINES = 90;

const DOCUMENTS = globSync(['*.md', '{docs,local,checks}/**/*.md'], {
  // Excluded: a part of docs/performance.md with that page's links, and scores that stay until the next run.
  exclude: ['**/node_modules/**', 'checks/bench/report/findings.md', 'docs/checks/mutation-scores.md'],
}).sort();

const ROOMS = 'checks|cli|docs|functions|infrastructure|lib|local|test|\\.ci';
const PATH = new RegExp(`^(?:${ROOMS})/[\\w./{},*-]*$`);

const documents = DOCUMENTS.map((file) => ({ file, text: readFileSync(file, 'utf8') }));
const matches = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([, found = '']) => found);

/** The anchors of a document, as GitHub derives them from headings. */
const anchorsOf = (file: string): string[] =>
  matches(readFileSync(file, 'utf8'), /^#+ (.+)$/gm).map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );

function brokenLinks(file: string, text: string): string[] {
  return matches(text, /\]\(([^)\s]+)\)/g).filter((link) => {
    if (/^(?:https?|mailto):/.test(link)) return false;
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? file : relative('.', join(dirname(file), path));
    if (!existsSync(target || '.')) return true;
    return anchor !== undefined && target.endsWith('.md') && !anchorsOf(target).includes(anchor);
  });
}

const scripts = Object.keys(JSON.parse(readFileSync('package.json', 'utf8')).scripts);

/** The commands of the operators' command line as typed: `ledger`, `ledger verify`. */
const { stdin, stdout, stderr } = process;
const interrupt = { signal: new AbortController().signal, request: () => {} };
const shell = { stdin, stdout, stderr, env: {}, interrupt, openStage };
const program = buildProgram(new Runner(shell), shell);
const commands = program.commands.flatMap((command) => [
  command.name(),
  ...command.commands.map((sub) => `${command.name()} ${sub.name()}`),
]);
const withoutSubcommands = (name: string) => !commands.some((one) => one.startsWith(`${name} `));

describe.each(documents)('$file', ({ file, text }) => {
  it('the document has no link to a missing file or heading', () => {
    expect(brokenLinks(file, text)).toEqual([]);
  });

  it('the document names only paths that exist', () => {
    const paths = matches(text, /`([^`\s]+)`/g).filter((one) => PATH.test(one));
    expect(paths.filter((path) => globSync(path.replace(/\/$/, '')).length === 0)).toEqual([]);
  });

  it('the document names only npm scripts that exist', () => {
    const named = matches(text, /npm run (?:-s |--silent )?([\w-]+(?::[\w-]+)*)/g);
    expect(named.filter((script) => !scripts.includes(script))).toEqual([]);
  });

  it("the document names only commands of the operators' command line", () => {
    const named = [...text.matchAll(/npx rsolv-billing ([a-z][a-z-]*)(?: ([a-z][a-z-]*)\b)?/g)];
    const unknown = named.filter(([, command = '', sub]) =>
      withoutSubcommands(command)
        ? !commands.includes(command)
        : sub !== undefined && !commands.includes(`${command} ${sub}`),
    );
    expect(unknown.map(([line]) => line)).toEqual([]);
  });
});

it(`README.md has at most ${README_LINES} lines`, () => {
  expect(readFileSync('README.md', 'utf8').trimEnd().split('\n').length).toBeLessThanOrEqual(README_LINES);
});
