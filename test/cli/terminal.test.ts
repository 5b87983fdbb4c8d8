import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import stringWidth from 'string-width';
import { describe, expect, it, vi } from 'vitest';
import { confirm } from '../../cli/terminal/confirm.ts';
import { showCount } from '../../cli/terminal/counter.ts';
import { EXIT, Failure } from '../../cli/terminal/failure.ts';
import { watchSignals } from '../../cli/terminal/interrupt.ts';
import { widthOf } from '../../cli/terminal/output.ts';
import { factLines, tableLines, textLines } from '../../cli/terminal/table.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Both ends of a terminal, or of pipes, with somebody there who types this. */
function keyboardAndScreen(typed: string, isTTY = true) {
  const stdin = Object.assign(new PassThrough(), { isTTY });
  const stderr = Object.assign(new PassThrough(), { isTTY });
  stdin.write(typed);
  return { stdin, stderr, shown: () => String(stderr.read() ?? '') };
}

describe('a confirmation', () => {
  const ask = async (typed: string, isTTY = true) => {
    const { stdin, stderr, shown } = keyboardAndScreen(typed, isTTY);
    let interrupted = false;
    const interrupt = () => {
      interrupted = true;
    };
    const refusal = await confirm({ stdin, stderr, interrupt }, 'Close it?').then(
      () => null,
      (error: unknown) => (error instanceof Failure ? error : Promise.reject(error)),
    );
    return { refusal, interrupted, shown: shown() };
  };

  it.each(['y', 'Y', 'yes', ' yes '])('goes on at %j', async (answer) => {
    const { refusal, shown } = await ask(`${answer}\n`);
    expect([refusal, shown]).toEqual([null, expect.stringContaining('Close it? [y/N] ')]);
  });

  it.each(['', 'n', 'no', 'yep', 'y n'])('does nothing at %j', async (answer) => {
    expect((await ask(`${answer}\n`)).refusal).toMatchObject({
      code: 'not_confirmed',
      exitCode: EXIT.refused,
    });
  });

  it('does nothing when the terminal is closed at the question', async () => {
    expect((await ask('\u0004')).refusal).toMatchObject({ code: 'not_confirmed' });
  });

  it('passes Ctrl-C at the question on, which the terminal does not send as a signal then', async () => {
    expect(await ask('\u0003\u0004')).toMatchObject({ interrupted: true });
  });

  it('without a terminal asks nobody and is a fault of the command line', async () => {
    const { refusal, shown } = await ask('y\n', false);
    expect(refusal).toMatchObject({ code: 'confirmation_needed', exitCode: EXIT.usage });
    expect(shown).toBe('');
  });
});

it.each([
  [undefined, 80],
  [0, 80],
  [30, 40],
  [80, 80],
  [120, 120],
])('a terminal of %s columns is taken to have %s', (columns, width) => {
  expect(widthOf(columns === undefined ? {} : { columns })).toBe(width);
});

describe('a text', () => {
  it('goes on in further lines where it is too long for one, and stays one where it is not', () => {
    const long = 'entries are 1 to seq without holes, each following from the one before, hashes chained';
    expect(textLines(`broken: ${long}`, 80, '  ')).toEqual([
      '  broken: entries are 1 to seq without holes, each following from the one',
      '  before, hashes chained',
    ]);
    expect(textLines('short', 80)).toEqual(['short']);
  });
});

describe('a table', () => {
  const columns = [
    { heading: 'id' },
    { heading: 'credits', align: 'right' },
    { heading: 'name', flexible: true },
    { heading: 'why', flexible: true },
  ] as const;

  it('fits the width whatever is in the columns that may give way, and loses nothing of it', () => {
    const cell = fc.string({ unit: 'grapheme', maxLength: 120 });
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell), { maxLength: 5 }), (texts) => {
        const rows = texts.map(([name, why]) => ['a'.repeat(32), '12', name, why]);
        for (const line of tableLines(columns, rows, 80)) expect(stringWidth(line)).toBeLessThanOrEqual(80);
      }),
    );
    const long = 'evt_'.padEnd(200, '0123456789');
    const shown = tableLines([{ heading: 'id' }, { heading: 'long', flexible: true }], [['a', long]], 40);
    expect(shown.slice(1).join('').replaceAll(/\s|^a/g, '')).toBe(long);
  });

  it('aligns numbers to the right and wide letters as wide as they are', () => {
    expect(
      tableLines(
        columns,
        [
          ['株', '5', 'A', ''],
          ['b', '1000', 'B', 'x'],
        ],
        80,
      ),
    ).toEqual(['id  credits  name  why', '株        5  A', 'b      1000  B     x']);
  });

  it('shows no order to the terminal that somebody put into their name', () => {
    const shown = factLines([['name', 'a\u001b]0;owned\u0007\u202eb\r\u009b31m']], 80).join('\n');
    expect(shown).toBe('name  a\u{fffd}]0;owned\u{fffd}\u{fffd}b\u{fffd}\u{fffd}31m');
  });
});

describe('how far it has come', () => {
  const screen = (isTTY: boolean) => {
    const { stderr, shown } = keyboardAndScreen('', isTTY);
    return { out: stderr, shown };
  };

  it('is a bar on a terminal that is taken away at the end', () => {
    const { out, shown } = screen(true);
    const count = showCount(out, 'entries', 50_000);
    count.add(25_000);
    count.end();
    const drawn = shown();
    expect(drawn).toContain('  0 %  0 of 50,000 entries');
    expect(drawn.endsWith('\r\u001b[K')).toBe(true);
  });

  it('is silent elsewhere, unless it takes long', () => {
    const { out, shown } = screen(false);
    const count = showCount(out, 'entries', null);
    count.add(25_000);
    count.end();
    expect(shown()).toBe('');
  });
});

describe('a wish to end', () => {
  /** What happens at the signals, each two seconds after the one before. */
  function at(...signals: ('SIGINT' | 'SIGTERM' | 'SIGHUP')[]) {
    const before = new Map(SIGNALS.map((name) => [name, process.listeners(name)]));
    const exit = vi.spyOn(process, 'exit').mockImplementation(() => {
      throw new Error('left');
    });
    let now = 0;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now);
    try {
      const { signal } = watchSignals();
      const left = signals.map((name) => {
        now += 2_000;
        try {
          process.emit(name);
          return false;
        } catch {
          return true;
        }
      });
      return { aborted: signal.aborted, left };
    } finally {
      exit.mockRestore();
      clock.mockRestore();
      for (const name of SIGNALS) {
        for (const one of process.listeners(name)) {
          if (!before.get(name)?.includes(one)) process.off(name, one);
        }
      }
    }
  }

  it('is taken in order the first time, and at once the second', () => {
    expect(at('SIGINT', 'SIGINT')).toEqual({ aborted: true, left: [false, true] });
  });

  it('of a terminal that was closed is one, however often it is told', () => {
    expect(at('SIGHUP', 'SIGHUP', 'SIGHUP')).toEqual({ aborted: true, left: [false, false, false] });
  });
});
