import { textTable } from '../../support/text-table.ts';
import type { Results } from '../measure.ts';
import { sectionsOf } from './sections.ts';

/** The tables and the machine. Explanations are only on the page. */
export function forTerminal(results: Results): string {
  const { processors, model, node, engine } = results.machine;
  const sections = sectionsOf(results).map(
    ({ title, headings, rows }) => `${title}\n${textTable(headings, rows)}`,
  );
  return [
    `${processors} processors (${model}), Node ${node}, ${engine}; ${results.seconds.toFixed(0)} s`,
    // The budgets come last, so they stay visible on the screen.
    ...sections.slice(1),
    ...sections.slice(0, 1),
  ].join('\n\n');
}
