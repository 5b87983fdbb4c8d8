import stringWidth from 'string-width';
import { INDENT, markedLines } from '../terminal/marked-lines.ts';
import type { Line, Mark } from '../terminal/output.ts';
import { textLines } from '../terminal/wrap.ts';
import type { AccountSetting } from './account-settings.ts';
import { type Remedy, type Result, type Verdict, verdictOf } from './check.ts';

const MARKS = {
  ok: { word: 'ok', style: 'green' },
  wrong: { word: 'wrong', style: 'red' },
  unknown: { word: '?', style: 'yellow' },
  blocked: { word: '-', style: 'dim' },
  absent: { word: '-', style: 'dim' },
} as const satisfies Record<Result['state'], Mark>;

const COMMAND_INDENT = `${INDENT}  `;

/** The checklist for people: a line for each item, and under what is not ok what to do about it. */
export function reportLines(
  results: readonly Result[],
  settings: readonly AccountSetting[],
  stage: string,
  width: number,
): Line[] {
  const lines = joined(results).flatMap(({ title, state, detail, remedy }) => [
    ...markedLines(MARKS[state], `${title}: ${detail}`, width),
    ...remedyLines(remedy, width),
  ]);
  return [...lines, '', ...settingLines(settings, width), ...textLines(summary(results, stage), width)];
}

/** What only a person can look at, after the checks. */
function settingLines(settings: readonly AccountSetting[], width: number): Line[] {
  if (settings.length === 0) return [];
  const intro =
    "Look at these settings in Stripe's dashboard yourself; no API shows them. Why each matters: docs/operate.md, " +
    '"Settings of the Stripe account".';
  const items = settings.flatMap(({ setting, where, setTo }) =>
    textLines(`${setting}: ${setTo} (${where})`, width, INDENT),
  );
  return [...textLines(intro, width), ...items, ''];
}

/** Checks that one cause stands in the way of, such as expired credentials, are one line that says it once. */
function joined(results: readonly Result[]): Result[] {
  const isSame = (a: Result, b: Result) =>
    a.state === 'unknown' && b.state === a.state && b.detail === a.detail;
  return results.flatMap((result, at) => {
    const first = results.findIndex((one) => isSame(one, result));
    if (first !== -1 && first < at) return [];
    const titles = results.filter((one) => one === result || isSame(one, result)).map(({ title }) => title);
    return [{ ...result, title: titles.join(', ') }];
  });
}

const VERDICTS: Readonly<Record<Verdict, string>> = {
  fit: 'is fit',
  not_fit: 'is not fit',
  not_checked: 'could not be checked',
};

function summary(results: readonly Result[], stage: string): string {
  const count = (state: Result['state']) => results.filter((result) => result.state === state).length;
  const verdict = verdictOf(results);
  if (verdict === 'fit') return `${stage} is fit: ${count('ok')} checks, nothing wrong.`;
  const parts = [
    `${count('ok')} ok`,
    `${count('wrong')} wrong`,
    ...(count('unknown') > 0 ? [`${count('unknown')} could not be checked`] : []),
    ...(count('blocked') > 0 ? [`${count('blocked')} wait for those`] : []),
  ];
  return `${stage} ${VERDICTS[verdict]}: ${parts.join(', ')}.`;
}

function remedyLines({ advice, command = [] }: Remedy, width: number): string[] {
  const text = advice === undefined ? [] : textLines(advice, width, INDENT);
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
