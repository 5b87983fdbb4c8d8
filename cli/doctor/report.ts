import stringWidth from 'string-width';
import { INDENT, type Mark, markedLines, type Page, wrapped } from '../terminal/marked-lines.ts';
import { textLines } from '../terminal/table.ts';
import { isFit, type Remedy, type Result } from './check.ts';

const MARKS = {
  ok: { word: 'ok', style: 'green' },
  wrong: { word: 'wrong', style: 'red' },
  unknown: { word: '?', style: 'yellow' },
  blocked: { word: '-', style: 'dim' },
  absent: { word: '-', style: 'dim' },
} as const satisfies Record<Result['state'], Mark>;

const COMMAND_INDENT = `${INDENT}  `;

/** The checklist for people: a line for each item, and under what is wrong what to do about it. */
export function reportLines(results: readonly Result[], stage: string, page: Page): string[] {
  const lines = results.flatMap(({ title, state, detail, remedy }) => [
    ...markedLines(MARKS[state], `${title}: ${detail}`, page),
    ...remedyLines(remedy, page.width),
  ]);
  return [...lines, '', ...textLines(summary(results, stage), page.width)];
}

function summary(results: readonly Result[], stage: string): string {
  const count = (state: Result['state']) => results.filter((result) => result.state === state).length;
  if (isFit(results)) return `${stage} is fit: ${count('ok')} checks, nothing wrong.`;
  const parts = [
    `${count('ok')} ok`,
    `${count('wrong')} wrong`,
    ...(count('unknown') > 0 ? [`${count('unknown')} could not be looked at`] : []),
    ...(count('blocked') > 0 ? [`${count('blocked')} wait for those`] : []),
  ];
  return `${stage} is not fit: ${parts.join(', ')}.`;
}

function remedyLines({ advice, command = [] }: Remedy, width: number): string[] {
  const text = advice === undefined ? [] : wrapped(advice, width);
  const whole = COMMAND_INDENT + command.join(' ');
  if (command.length === 0) return text;
  if (stringWidth(whole) <= width) return [...text, whole];
  const last = command.length - 1;
  // Broken so that it can be copied as it stands.
  const parts = command.map(
    (part, i) => `${COMMAND_INDENT}${i === 0 ? '' : '  '}${part}${i < last ? ' \\' : ''}`,
  );
  return [...text, ...parts];
}
