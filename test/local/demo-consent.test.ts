import { expect, it } from 'vitest';
import { type Consent, consentTo } from '../../local/demo/consent.ts';

const OWNER = { pid: 4711, folder: '/home/ada/rsolv-billing', startedAt: '2026-11-30T09:00:00.000Z' };

async function askForConsent(more: Partial<Consent>) {
  const printed: string[] = [];
  const agreed = await consentTo({
    url: 'http://localhost:4000',
    owner: OWNER,
    yes: false,
    ask: null,
    print: (line) => printed.push(line),
    ...more,
  });
  return { agreed, printed };
}

it('npm run demo prints the folder, process and start time of a running stack', async () => {
  const { printed } = await askForConsent({ yes: true });
  expect(printed).toEqual([
    'A stack answers at http://localhost:4000: started from /home/ada/rsolv-billing by process 4711 at ' +
      '2026-11-30T09:00:00.000Z.',
  ]);
});

it('npm run demo says that it does not know who started a stack without a state file', async () => {
  expect((await askForConsent({ owner: null })).printed[0]).toContain('it is not known who started it');
});

it.each([
  ['y', true],
  ['YES', true],
  ['', false],
  ['n', false],
  ['yesterday', false],
])(
  'the answer "%s" on a terminal decides whether the demo moves the clock of a running stack',
  async (answer, agreed) => {
    const questions: string[] = [];
    const ask = async (question: string) => {
      questions.push(question);
      return answer;
    };
    expect((await askForConsent({ ask })).agreed).toBe(agreed);
    expect(questions).toEqual(['Use it, and move its clock by a month? [y/N] ']);
  },
);

it('without a terminal and --yes, the demo does not move the clock of a running stack', async () => {
  const { agreed, printed } = await askForConsent({});
  expect(agreed).toBe(false);
  expect(printed.at(-1)).toContain('--yes');
});

it('with --yes, the demo moves the clock of a running stack without a question', async () => {
  const ask = async () => {
    throw new Error('a question');
  };
  expect((await askForConsent({ yes: true, ask })).agreed).toBe(true);
});
