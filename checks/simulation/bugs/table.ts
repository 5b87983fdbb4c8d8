import { type Bug, KNOWN_BUGS } from './bugs.ts';
import { OLD_RULES } from './old-rules.ts';
import { PLANTED_BUGS } from './planted.ts';

/** Every mistake that the simulation has to find. */
export const BUGS: readonly Bug[] = [...KNOWN_BUGS, ...OLD_RULES, ...PLANTED_BUGS];
