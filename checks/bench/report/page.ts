import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Results } from '../measure.ts';
import { paragraph, type Section } from './section.ts';
import { sectionsOf } from './sections.ts';

/** Written by hand: conclusions from profiles, which a run cannot draw automatically. */
const FINDINGS = readFileSync(join(import.meta.dirname, 'findings.md'), 'utf8').trim();

/** docs/performance.md. Its pictures are in the folder beside it. */
export function pageOf(results: Results): string {
  const { machine, seconds } = results;
  return `${[
    '# Performance',
    '<!-- Written by `npm run check:bench -- --write`. The last part comes from ' +
      'checks/bench/report/findings.md. -->',
    paragraph(
      'This page shows what the service costs in time, calls and money.',
      '`npm run check:bench` measures it again and fails if a counted budget is missed.',
      '`npm run check:bench -- --write` measures longer and rewrites this page and its pictures.',
    ),
    markdownTable(
      ['measured', ''],
      [
        ['on', machine.measuredOn],
        ['processors', `${machine.processors} × ${machine.model}`],
        ['memory', `${machine.memoryGb} GB`],
        ['system', machine.system],
        ['Node', machine.node],
        ['engine', machine.engine],
        ['duration', `${seconds.toFixed(0)} s`],
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
