import { expect, it } from 'vitest';
import { type Consent, consentTo } from '../../local/demo/consent.ts';

const OWNER = { pid: 4711, folder: '/home/ada/rsolv-billing', startedAt: '2026-11-30T09:00:00.000Z' };

async function asked(more: Partial<Consent>) {
  const said: string[] = [];
  const agreed = await consentTo({
    url: 'http://localhost:4000',
    owner: OWNER,
    yes: false,
    ask: null,
    say: (line) => said.push(line),
    ...more,
  });
  return { agreed, said };
}

it('npm run demo says whose stack it found: folder, process and start', async () => {
  const { said } = await asked({ yes: true });
  expect(said).toEqual([
    'A stack answers at http://localhost:4000: started from /home/ada/rsolv-billing by process 4711 at 2026-11-30T09:00:00.000Z.',
  ]);
});

it('npm run demo says that a stack left no note of who started it', async () => {
  expect((await asked({ owner: null })).said[0]).toContain('it left no note of who started it');
});

it.each([
  ['y', true],
  ['YES', true],
  ['', false],
  ['n', false],
  ['yesterday', false],
])(
  'the answer "%s" on a terminal decides whether the clock of a found stack is moved',
  async (answer, agreed) => {
    const questions: string[] = [];
    const ask = async (question: string) => {
      questions.push(question);
      return answer;
    };
    expect((await asked({ ask })).agreed).toBe(agreed);
    expect(questions).toEqual(['Use it, and move its clock by a month? [y/N] ']);
  },
);

it('without a terminal and without --yes the clock of a found stack is not moved', async () => {
  const { agreed, said } = await asked({});
  expect(agreed).toBe(false);
  expect(said.at(-1)).toContain('--yes');
});

it('with --yes the clock of a found stack is moved without a question', async () => {
  const ask = async () => {
    throw new Error('a question');
  };
  expect((await asked({ yes: true, ask })).agreed).toBe(true);
});
