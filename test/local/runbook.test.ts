import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const manual = readFileSync('docs/operate.md', 'utf8');
const blocks = [...manual.matchAll(/```sh\n(.*?)```/gs)].map(([, block]) => String(block));

it('no command in docs/operate.md contains a secret that would end up in the shell history', () => {
  const lines = blocks.flatMap((block) => block.split('\n'));
  const secrets = lines.filter((line) => /\b(?:[rs]k_|whsec_)/.test(line.replace(/#.*/, '')));
  expect(lines.length).toBeGreaterThan(100);
  expect(secrets).toEqual([]);
});
