import type { UnreadableItem } from '../../lib/store/record.ts';
import { textLines } from '../terminal/wrap.ts';

/** Each key has its own line, so that it stays whole and can be copied. */
export const unreadableLines = (unreadable: readonly UnreadableItem[], width: number): string[] =>
  unreadable.flatMap(({ key, attributes }) => [
    key.pk,
    `  ${key.sk}`,
    ...textLines(`not readable: ${attributes.join(', ')}`, width, '  '),
  ]);
