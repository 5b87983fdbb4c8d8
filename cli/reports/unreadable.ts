import type { UnreadableItem } from '../../lib/store/record.ts';
import { textLines } from '../terminal/wrap.ts';

/** A key is as long as a line, and is there to be copied. */
export const unreadableLines = (unreadable: readonly UnreadableItem[], width: number): string[] =>
  unreadable.flatMap(({ key, attributes }) => [
    key.pk,
    `  ${key.sk}`,
    ...textLines(`not readable: ${attributes.join(', ')}`, width, '  '),
  ]);
