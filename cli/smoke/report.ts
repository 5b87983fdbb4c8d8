import { markedLines } from '../terminal/marked-lines.ts';
import type { Line, Mark } from '../terminal/output.ts';
import type { StepResult } from './smoke.ts';

const MARKS = {
  ok: { word: 'ok', style: 'green' },
  wrong: { word: 'wrong', style: 'red' },
  skipped: { word: '-', style: 'dim' },
} as const satisfies Record<StepResult['state'], Mark>;

/** The result of a step, for people. */
export const stepLines = ({ title, state, detail }: StepResult, width: number): Line[] =>
  markedLines(MARKS[state], `${title}: ${detail}`, width);
