import type { Screen } from './output.ts';
import { visible } from './visible.ts';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME_MS = 80;
const CLEAR_LINE = '\r\u001b[K';

export interface Progress {
  step(title: string): void;
  /** Removes the display. Call it before printing anything else. */
  end(): void;
}

/** Displays the current step: an animated line on a terminal, otherwise a plain line for each step. */
export function showProgress(out: Screen): Progress {
  if (!out.isTTY) return { step: (title) => out.write(`${visible(title)} …\n`), end: () => {} };

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
    step: (title) => {
      current = visible(title);
      draw();
    },
    end: () => {
      clearInterval(timer);
      out.write(CLEAR_LINE);
    },
  };
}
