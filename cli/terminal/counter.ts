const CLEAR_LINE = '\r\u001b[K';
const BAR_WIDTH = 24;
const DRAW_EVERY_MS = 100;
const PRINT_EVERY_MS = 10_000;

export interface Counter {
  add(count: number): void;
  /** Removes the display. Call it before printing anything else. */
  end(): void;
}

/**
 * Displays progress: a bar on a terminal, otherwise a plain line every ten seconds. Without a total, only the
 * count.
 * @param noun the items that are counted, in the plural
 */
export function showCount(
  out: NodeJS.WritableStream & { readonly isTTY?: boolean },
  noun: string,
  total: number | null,
): Counter {
  const everyMs = out.isTTY ? DRAW_EVERY_MS : PRINT_EVERY_MS;
  let done = 0;
  let shownAt = performance.now();
  const show = () => {
    shownAt = performance.now();
    if (out.isTTY) out.write(`${CLEAR_LINE}${barOf(done, total)}${countOf(done, total)} ${noun}`);
    else out.write(`${countOf(done, total)} ${noun} …\n`);
  };
  if (out.isTTY) show();
  return {
    add: (count) => {
      done += count;
      if (performance.now() - shownAt >= everyMs) show();
    },
    end: () => {
      if (out.isTTY) out.write(CLEAR_LINE);
    },
  };
}

function barOf(done: number, total: number | null): string {
  if (total === null) return '';
  const part = total === 0 ? 1 : Math.min(1, done / total);
  const full = Math.round(part * BAR_WIDTH);
  const percent = String(Math.floor(part * 100)).padStart(3);
  return `${'█'.repeat(full)}${'░'.repeat(BAR_WIDTH - full)} ${percent} %  `;
}

const countOf = (done: number, total: number | null): string =>
  total === null ? formatCount(done) : `${formatCount(done)} of ${formatCount(total)}`;

/** 50000 → "50,000". */
export const formatCount = (count: number): string => count.toLocaleString('en-US');

/** "1 entry", "50,000 entries". */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${formatCount(count)} ${count === 1 ? one : many}`;
