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

/** The report for people: a line for each check, followed by the remedy if it did not pass. */
export function reportLines(
  results: readonly Result[],
  settings: readonly AccountSetting[],
  stage: string,
  width: number,
  verdicts: Verdicts = VERDICTS,
): Line[] {
  const lines = mergeSameFailures(results).flatMap(({ title, state, detail, remedy }) => [
    ...markedLines(MARKS[state], `${title}: ${detail}`, width),
    ...remedyLines(remedy, width),
  ]);
  return [
    ...lines,
    '',
    ...settingLines(settings, width),
    ...textLines(summary(results, stage, verdicts), width),
  ];
}

/** The settings that a person must check, after the checks. */
function settingLines(settings: readonly AccountSetting[], width: number): Line[] {
  if (settings.length === 0) return [];
  const intro =
    "Check these settings by hand in Stripe's dashboard: they are not readable through an API. " +
    'Why each matters: docs/operate.md, "Settings of the Stripe account".';
  const items = settings.flatMap(({ setting, where, setTo }) =>
    textLines(`${setting}: ${setTo} (${where})`, width, INDENT),
  );
  return [...textLines(intro, width), ...items, ''];
}

/** Merges checks that could not run for the same reason, such as expired credentials, into one line. */
function mergeSameFailures(results: readonly Result[]): Result[] {
  const isSame = (a: Result, b: Result) =>
    a.state === 'unknown' && b.state === a.state && b.detail === a.detail;
  return results.flatMap((result, at) => {
    const first = results.findIndex((one) => isSame(one, result));
    if (first !== -1 && first < at) return [];
    const titles = results.filter((one) => one === result || isSame(one, result)).map(({ title }) => title);
    return [{ ...result, title: titles.join(', ') }];
  });
}

/** What each verdict says of a stage. */
export type Verdicts = Readonly<Record<Verdict, string>>;

const VERDICTS: Verdicts = {
  fit: 'is fit',
  not_fit: 'is not fit',
  not_checked: 'could not be checked',
};

function summary(results: readonly Result[], stage: string, verdicts: Verdicts): string {
  const count = (state: Result['state']) => results.filter((result) => result.state === state).length;
  const verdict = verdictOf(results);
  if (verdict === 'fit') return `${stage} ${verdicts.fit}: ${count('ok')} checks, nothing wrong.`;
  const parts = [
    `${count('ok')} ok`,
    `${count('wrong')} wrong`,
    ...(count('unknown') > 0 ? [`${count('unknown')} could not be checked`] : []),
    ...(count('blocked') > 0 ? [`${count('blocked')} blocked by those`] : []),
  ];
  return `${stage} ${verdicts[verdict]}: ${parts.join(', ')}.`;
}

function remedyLines({ advice, command = [] }: Remedy, width: number): string[] {
  const text = advice === undefined ? [] : textLines(advice, width, INDENT);
  const whole = COMMAND_INDENT + command.join(' ');
  if (command.length === 0) return text;
  if (stringWidth(whole) <= width) return [...text, whole];
  const last = command.length - 1;
  // The line breaks are escaped, so that the command can be copied.
  const parts = command.map(
    (part, i) => `${COMMAND_INDENT}${i === 0 ? '' : '  '}${part}${i < last ? ' \\' : ''}`,
  );
  return [...text, ...parts];
}
