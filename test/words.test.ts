import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/* House rules for text: words that make a sentence hard to read are avoided, and code lines fit a screen. */

const ROOMS = '{lib,functions,cli,infrastructure,local}';
const CODE = globSync([`${ROOMS}/**/*.{ts,mjs}`, '*.{ts,mjs}']);
/** Lines may be long here: one sentence, one ARN or one patch of the source a line. */
const OTHERS = globSync([
  ...['README.md', '{docs,local,checks}/**/*.md', '{serverless,infrastructure/*}.yml'],
  'checks/**/*.{ts,mjs}',
]).filter((file) => !file.includes('node_modules'));

const AVOIDED = [
  ...['whoever', 'whom', 'nobody', 'somebody', 'anew', 'by itself', 'for ever', 'none the worse', 'is told'],
  ...['hears of', 'of before', 'comes to nothing', 'two at once', 'what is there'],
];

/** As in biome.json. Biome does not break strings, templates and comments. */
const MAX_COLUMNS = 110;

/** Between two words of a phrase: blanks, a new line of a comment, a joint of two strings, or - and _. */
const GAP = '[\\s*/\'"`+_-]+';
const avoided = new RegExp(
  `(?<![a-z])(?:${AVOIDED.map((phrase) => phrase.replaceAll(' ', GAP)).join('|')})(?![a-z])`,
  'gi',
);

/** The avoided words of a text, each after its line number. Names in camelCase count as several words. */
function avoidedIn(text: string): string[] {
  const words = text.replaceAll(/(?<=[a-z\d])(?=[A-Z])/g, ' ');
  return [...words.matchAll(avoided)].map(({ 0: found, index }) => {
    const line = words.slice(0, index).split('\n').length;
    return `${line}: ${found.replaceAll(new RegExp(GAP, 'g'), ' ').toLowerCase()}`;
  });
}

/** The numbers of lines that are too long. Addresses do not count, because they cannot be broken. */
function longLinesIn(text: string): number[] {
  return text
    .split('\n')
    .flatMap((line, i) => (line.replaceAll(/https?:\/\/\S+/g, '').length > MAX_COLUMNS ? [i + 1] : []));
}

const findings = (files: readonly string[], find: (text: string) => readonly (string | number)[]): string[] =>
  files.flatMap((file) => find(readFileSync(file, 'utf8')).map((found) => `${file}:${found}`));

describe('words', () => {
  it('code and documents contain no word that the house rules avoid', () => {
    expect(CODE.length).toBeGreaterThan(100);
    expect(OTHERS.length).toBeGreaterThan(100);
    expect(findings([...CODE, ...OTHERS], avoidedIn)).toEqual([]);
  });

  it.each([
    ['a comment', '// Nobody reads it.', '1: nobody'],
    ['a comment on two lines', '/**\n * Starts by\n * itself.\n */', '2: by itself'],
    ['a text of two strings', "'The customer is ' +\n  'told.'", '1: is told'],
    ['a name in camelCase', 'const isToldTwice = 1;', '1: is told'],
    ['a constant', '\nconst BY_ITSELF = 1;', '2: by itself'],
    ['a name with hyphens', "'retried-for-ever'", '1: for ever'],
  ])('an avoided word is found in %s', (_, text, found) => {
    expect(avoidedIn(text)).toEqual([found]);
  });

  it('a longer word that contains an avoided one is not found', () => {
    expect(avoidedIn('renewal, forever, a new key, whomping')).toEqual([]);
  });
});

describe('lines', () => {
  it(`code lines have at most ${MAX_COLUMNS} columns`, () => {
    expect(findings(CODE, longLinesIn)).toEqual([]);
  });

  it('a line is too long from one column more than the limit, without its addresses', () => {
    const full = 'x'.repeat(MAX_COLUMNS);
    expect(longLinesIn(`${full}\n${full}x\n${full}https://example.com/a`)).toEqual([2]);
  });
});
