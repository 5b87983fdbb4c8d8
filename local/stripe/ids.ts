import { randomBytes } from 'node:crypto';

export type NewId = (prefix: string) => string;

/** Ids that sort as they were made, so that a dump can be read, and that nobody can guess. */
export function idGenerator(random: (bytes: number) => Buffer = randomBytes): NewId {
  let made = 0;
  return (prefix) => {
    made += 1;
    return `${prefix}_${made.toString(36).padStart(6, '0')}${random(9).toString('hex')}`;
  };
}
