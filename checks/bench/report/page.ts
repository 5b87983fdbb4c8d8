import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Results } from '../measure.ts';
import type { Section } from './section.ts';
import { sectionsOf } from './sections.ts';

/** Written by hand: what profiles show, which no run knows. */
const FINDINGS = readFileSync(join(import.meta.dirname, 'findings.md'), 'utf8').trim();

/** docs/performance.md, with its pictures in the folder beside it. */
export function pageOf(results: Results): string {
  const { machine, seconds } = results;
  return `${[
    '# Performance',
    '<!-- Written by `npm run check:bench -- --write`. The last part comes from checks/bench/report/findings.md. -->',
    'What the service costs in time, calls and money. `npm run check:bench` measures it again and fails where a counted budget is missed; ' +
      '`npm run check:bench -- --write` measures longer and writes this page and its pictures anew.',
    markdownTable(
      ['measured', ''],
      [
        ['on', machine.measuredOn],
        ['processors', `${machine.processors} × ${machine.model}`],
        ['memory', `${machine.memoryGb} GB`],
        ['system', machine.system],
        ['Node', machine.node],
        ['engine', machine.engine],
        ['it took', `${seconds.toFixed(0)} s`],
      ],
    ),
    ...sectionsOf(results).map(ofSection),
    FINDINGS,
  ].join('\n\n')}\n`;
}

function ofSection({ title, says, headings, rows, pictures }: Section): string {
  return [
    `## ${title}`,
    ...says,
    ...pictures.map((name) => `![${title}: ${name}](performance/${name}.svg)`),
    markdownTable(headings, rows),
  ].join('\n\n');
}

function markdownTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const isNumeric = headings.map((_, column) => rows.every((row) => /^$|^[\d.,]+$/.test(row[column] ?? '')));
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [row(headings), row(isNumeric.map((numeric) => (numeric ? '---:' : '---'))), ...rows.map(row)].join(
    '\n',
  );
}
