import { ELSEWHERE } from '../../auditor/elsewhere.ts';
import { FAULTS } from '../../auditor/old-rules.ts';
import type { Patch } from '../../support/patch.ts';
import type { Bug } from './bugs.ts';
import { LEFT_OUT } from './left-out.ts';

interface OldRule {
  readonly number: number;
  readonly what: string;
  readonly oldRule?: readonly Patch[];
}

export const nameOf = (number: number): string => `old-rule-${number}`;

/** The old rules of the reported faults, as in checks/auditor, except those that are left out. */
export const OLD_RULES: readonly Bug[] = [...FAULTS, ...ELSEWHERE]
  .map(({ number, what, oldRule = [] }: OldRule) => ({ name: nameOf(number), what, patches: oldRule }))
  .filter(({ name }) => !LEFT_OUT.some((left) => left.name === name));
