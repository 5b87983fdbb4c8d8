import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import stringWidth from 'string-width';
import { describe, expect, it, vi } from 'vitest';
import { confirm } from '../../cli/terminal/confirm.ts';
import { showCount } from '../../cli/terminal/counter.ts';
import { EXIT, Failure } from '../../cli/terminal/failure.ts';
import { watchSignals } from '../../cli/terminal/interrupt.ts';
import { Output, terminalWidth, widthOf } from '../../cli/terminal/output.ts';
import { factLines, tableLines } from '../../cli/terminal/table.ts';
import { visible } from '../../cli/terminal/visible.ts';
import { textLines, UNLIMITED } from '../../cli/terminal/wrap.ts';
import { Written } from '../support/cli/shell.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The input and output of a terminal, or of pipes, with this text typed. */
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
    const refusal = await confirm({ stdin, stderr, interrupt, stage: 'staging' }, 'Close it?').then(
      () => null,
      (error: unknown) => (error instanceof Failure ? error : Promise.reject(error)),
    );
    return { refusal, interrupted, shown: shown() };
  };

  it.each(['y', 'Y', 'yes', ' yes '])('the answer %j confirms', async (answer) => {
    const { refusal, shown } = await ask(`${answer}\n`);
    expect([refusal, shown]).toEqual([null, expect.stringContaining('On staging: Close it? [y/N] ')]);
  });

  it.each(['', 'n', 'no', 'yep', 'y n'])('the answer %j cancels', async (answer) => {
    expect((await ask(`${answer}\n`)).refusal).toMatchObject({
      code: 'not_confirmed',
      exitCode: EXIT.refused,
    });
  });

  it('closing the terminal at the question cancels', async () => {
    expect((await ask('\u0004')).refusal).toMatchObject({ code: 'not_confirmed' });
  });

  it('Ctrl-C at the question interrupts the command', async () => {
    expect(await ask('\u0003\u0004')).toMatchObject({ interrupted: true });
  });

  it('a confirmation without a terminal is a usage error and prints no question', async () => {
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
])('a terminal that reports %s columns is treated as %s wide', (columns, width) => {
  expect(terminalWidth(columns === undefined ? {} : { columns })).toBe(width);
});

describe('a text', () => {
  it('a text is wrapped only if it is longer than a line', () => {
    const long = 'entries are 1 to seq without gaps, each with the right balance, and hashes are chained';
    expect(textLines(`broken: ${long}`, 80, '  ')).toEqual([
      '  broken: entries are 1 to seq without gaps, each with the right balance, and',
      '  hashes are chained',
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

  const words = fc.array(fc.string({ unit: 'grapheme', maxLength: 30 }), { maxLength: 8 });
  const texts = fc.array(fc.tuple(words, words), { maxLength: 5 });

  it('a table breaks no word at any width, and only a long word exceeds the terminal', () => {
    fc.assert(
      fc.property(texts, fc.integer({ min: 40, max: 120 }), (rows, width) => {
        const cells = rows.map(([name, why]) => ['a'.repeat(32), '12', name.join(' '), why.join(' ')]);
        const shown = tableLines(columns, cells, width);
        for (const word of cells.flat().flatMap((cell) => visible(cell).normalize().split(' '))) {
          expect(shown.some((line) => line.normalize().includes(word.trim()))).toBe(true);
        }
        for (const line of shown) {
          const fits = stringWidth(line) <= width || !line.trim().includes(' ');
          expect([line, fits]).toEqual([line, true]);
        }
      }),
    );
  });

  it('a symbol that is shown in decomposed form takes the width of that form', () => {
    const shownFor = (name: string) => tableLines([columns[2], columns[3]], [[name, 'x']], 120);
    const symbol = '\u{1d1c0}';
    expect(symbol.normalize()).not.toBe(symbol);
    expect(shownFor(symbol)).toEqual(shownFor(symbol.normalize()));
  });

  it('columns that do not fit move to a continuation line of each row', () => {
    const id = 'a'.repeat(32);
    expect(tableLines(columns, [[id, '12', 'billing@acme.dev', 'x']], 40)).toEqual([
      `id${' '.repeat(30)}`.trimEnd(),
      '  credits  name              why',
      id,
      '       12  billing@acme.dev  x',
    ]);
  });

  it('a table has one line per row without a terminal', () => {
    fc.assert(
      fc.property(texts, (rows) => {
        const cells = rows.map(([name, why]) => ['id', '12', name, why]);
        expect(tableLines(columns, cells, UNLIMITED)).toHaveLength(rows.length + 1);
      }),
    );
  });

  it('a table aligns numbers to the right and measures wide letters correctly', () => {
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

  it('control codes in a name do not reach the terminal', () => {
    const shown = factLines([['name', 'a\u001b]0;owned\u0007\u202eb\r\u009b31m']], 80).join('\n');
    expect(shown).toBe('name  a\u{fffd}]0;owned\u{fffd}\u{fffd}b\u{fffd}\u{fffd}31m');
  });
});

describe('the output', () => {
  const HOSTILE = Array.from({ length: 0x2070 }, (_, code) => String.fromCharCode(code)).join('');
  const UNPRINTABLE = /(?!\n)[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;
  const written = (json: boolean, columns: number, write: (out: Output) => void) => {
    const stdout = new Written(columns);
    const stderr = new Written(columns);
    write(new Output({ stdout, stderr }, json, 'staging'));
    return stdout.text + stderr.text.replaceAll('\u001b[31merror\u001b[39m', 'error');
  };

  it.each([0, 80])('text output contains no control or bidi characters, with %i columns', (columns) => {
    for (const write of [
      (out: Output) => out.answer({}, () => [HOSTILE, ...tableLines([{ heading: 'x' }], [[HOSTILE]], 80)]),
      (out: Output) => out.note(HOSTILE),
      (out: Output) => out.noteCommand(HOSTILE),
      (out: Output) => out.failure(new Failure('x', HOSTILE, EXIT.refused)),
      (out: Output) => out.failure(new Failure('x', 'x', EXIT.refused, { cause: new Error(HOSTILE) })),
    ]) {
      const text = written(false, columns, write);
      expect(text).toContain('abc');
      expect(text).not.toMatch(UNPRINTABLE);
    }
  });

  it('JSON output escapes control and bidi characters and keeps the value', () => {
    const text = written(true, 0, (out) => out.answer({ name: HOSTILE }, () => []));
    expect(text).not.toMatch(UNPRINTABLE);
    expect(JSON.parse(text)).toEqual({ stage: 'staging', name: HOSTILE });
  });

  it('text output names the stage in its first line, and every JSON document names it', () => {
    expect(written(false, 0, (out) => out.answer({}, () => ['Done.']))).toBe('stage staging\nDone.\n');
    expect(JSON.parse(written(true, 0, (out) => out.answer({ a: 1 }, () => [])))).toEqual({
      stage: 'staging',
      a: 1,
    });
    const failure = new Failure('refused', 'No.', EXIT.refused);
    expect(written(false, 0, (out) => out.failure(failure))).toBe('error (staging) No.\n');
    expect(JSON.parse(written(true, 0, (out) => out.failure(failure)))).toEqual({
      stage: 'staging',
      error: { code: 'refused', detail: 'No.' },
    });
  });

  it('lines have no width limit without a terminal', () => {
    expect(widthOf(new Written())).toBe(UNLIMITED);
    expect(widthOf(new Written(100))).toBe(100);
  });
});

describe('the progress display', () => {
  const screen = (isTTY: boolean) => {
    const { stderr, shown } = keyboardAndScreen('', isTTY);
    return { out: stderr, shown };
  };

  it('progress is a bar on a terminal, and it is removed at the end', () => {
    const { out, shown } = screen(true);
    const count = showCount(out, 'entries', 50_000);
    count.add(25_000);
    count.end();
    const drawn = shown();
    expect(drawn).toContain('  0 %  0 of 50,000 entries');
    expect(drawn.endsWith('\r\u001b[K')).toBe(true);
  });

  it('progress prints nothing without a terminal in the first ten seconds', () => {
    const { out, shown } = screen(false);
    const count = showCount(out, 'entries', null);
    count.add(25_000);
    count.end();
    expect(shown()).toBe('');
  });
});

describe('signals', () => {
  /** Sends the signals two seconds apart. Returns whether each one exits. */
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

  it('the first SIGINT aborts, and the second one exits immediately', () => {
    expect(at('SIGINT', 'SIGINT')).toEqual({ aborted: true, left: [false, true] });
  });

  it('repeated SIGHUP signals only abort', () => {
    expect(at('SIGHUP', 'SIGHUP', 'SIGHUP')).toEqual({ aborted: true, left: [false, false, false] });
  });
});
