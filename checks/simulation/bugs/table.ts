import { type Bug, KNOWN_BUGS } from './bugs.ts';
import { OLD_RULES } from './old-rules.ts';
import { PLANTED_BUGS } from './planted.ts';

/** Every bug that the simulation must find. */
export const BUGS: readonly Bug[] = [...KNOWN_BUGS, ...OLD_RULES, ...PLANTED_BUGS];
