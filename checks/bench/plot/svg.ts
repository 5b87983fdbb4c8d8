/* The part of SVG that the charts need. Their own background keeps them legible on any page colour. */

export type Attributes = Readonly<Record<string, string | number>>;

export function element(name: string, attributes: Attributes, content: readonly string[] = []): string {
  const pairs = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(String(value))}"`);
  const start = `<${name}${pairs.join('')}`;
  return content.length === 0 ? `${start}/>` : `${start}>${content.join('')}</${name}>`;
}

export const text = (x: number, y: number, words: string, attributes: Attributes = {}): string =>
  element('text', { x: rounded(x), y: rounded(y), ...attributes }, [escaped(words)]);

export const line = (x1: number, y1: number, x2: number, y2: number, attributes: Attributes): string =>
  element('line', { x1: rounded(x1), y1: rounded(y1), x2: rounded(x2), y2: rounded(y2), ...attributes });

export const rounded = (value: number): number => Math.round(value * 10) / 10;

const escaped = (words: string): string =>
  words.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/"/g, '&quot;');

export const INK = '#1f2328';
export const GRID = '#d1d9e0';
export const BUDGET = '#b3261e';
const PAPER = '#ffffff';
/** Distinguishable with colour blindness (Okabe and Ito), and dark enough on white. */
export const COLOURS = ['#0072b2', '#d55e00', '#007a5e', '#8c4a7a', '#4d4d4d'] as const;

/** A whole SVG file. Screen readers read `title`. */
export function picture(width: number, height: number, title: string, content: readonly string[]): string {
  const frame = element('rect', { x: 0.5, y: 0.5, width: width - 1, height: height - 1, rx: 6 });
  const styled = frame.replace('/>', ` fill="${PAPER}" stroke="${GRID}"/>`);
  const heading = text(16, 26, title, { 'font-size': 14, 'font-weight': 600 });
  const attributes = {
    xmlns: 'http://www.w3.org/2000/svg',
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    role: 'img',
    'font-family': 'system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif',
    'font-size': 11,
    fill: INK,
  };
  return `${element('svg', attributes, ['\n', ...[`<title>${escaped(title)}</title>`, styled, heading, ...content].map((part) => `${part}\n`)])}\n`;
}
