import { lookUp } from '../look-up.ts';

/** How people read a field's name: `pr_number` is "Pull request number". */
export function readableName(field: string): string {
  const [name = field, ...inside] = field.split('.');
  const words = name
    .split('_')
    .map((word) => lookUp(WORDS, word) ?? word)
    .join(' ');
  const readable = words.charAt(0).toUpperCase() + words.slice(1);
  return inside.length === 0 ? readable : `${readable} (${inside.map(readableStep).join(', ')})`;
}

const WORDS: Readonly<Record<string, string>> = {
  api: 'API',
  email: 'e-mail address',
  github: 'GitHub',
  org: 'organisation',
  pr: 'pull request',
  repo: 'repository',
  url: 'address',
};

/** Lists count from 0, people from 1. */
const readableStep = (step: string): string => (/^\d+$/.test(step) ? `entry ${Number(step) + 1}` : step);
