import type { Screen } from './output.ts';
import { visible } from './visible.ts';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME_MS = 80;
const CLEAR_LINE = '\r\u001b[K';

export interface Progress {
  step(what: string): void;
  /** Takes the display away; nothing may be printed over it. */
  end(): void;
}

/** What is being done just now: one line that moves on a terminal, else a plain line for each step. */
export function showProgress(out: Screen): Progress {
  if (!out.isTTY) return { step: (what) => out.write(`${visible(what)} …\n`), end: () => {} };

  const startedAt = performance.now();
  let current = '';
  let frame = 0;
  const draw = () => {
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
    out.write(`${CLEAR_LINE}${FRAMES[frame++ % FRAMES.length]} ${current} … ${seconds} s`);
  };
  const timer = setInterval(draw, FRAME_MS);
  timer.unref();
  return {
    step: (what) => {
      current = visible(what);
      draw();
    },
    end: () => {
      clearInterval(timer);
      out.write(CLEAR_LINE);
    },
  };
}
