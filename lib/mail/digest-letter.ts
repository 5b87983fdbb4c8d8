import type { DigestContent } from '../domain/notices/digest.ts';
import type { Letter, Sending } from './letter.ts';
import { buttonTo } from './places.ts';

/**
 * The letter of a digest: what the letters of its first notices would have said, and the number of the rest
 * by kind.
 */
export function digest({ notices }: DigestContent, day: string, sending: Sending): Letter {
  const { quoted = [] } = sending;
  const { length: count } = notices;
  const rest = notices.slice(quoted.length);
  return {
    subject:
      count === 1 ? 'A message about your RSOLV account' : `${count} messages about your RSOLV account`,
    paragraphs: [
      'We send an address only a few letters a day. ' +
        (count === 1 ? `One more waited until ${day}.` : `These ${count} waited until ${day}.`),
      ...quoted.map(({ subject, paragraphs }) => `${subject}. ${paragraphs.join(' ')}`),
      ...(rest.length === 0 ? [] : [`And ${rest.length} more: ${byKind(rest)}.`]),
    ],
    next: 'If you did not expect one of these, reply to this message.',
    button: buttonTo('account', 'Open the billing page', sending),
  };
}

/** "3 × key issued, 2 × fix blocked", the most frequent kind first. */
function byKind(labels: readonly string[]): string {
  const groups = [...Map.groupBy(labels, (label) => label.split('#')[0] ?? '')];
  groups.sort(([, a], [, b]) => b.length - a.length);
  return groups.map(([kind, all]) => `${all.length} × ${kind.replaceAll('_', ' ')}`).join(', ');
}
