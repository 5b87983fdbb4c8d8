/** Colours of the pages and of the letters, for light and dark. Text on any ground has 4.5 : 1 or more. */
interface Palette {
  readonly text: string;
  readonly soft: string;
  readonly line: string;
  readonly ground: string;
  readonly card: string;
  readonly accent: string;
  readonly 'on-accent': string;
  readonly bad: string;
  readonly good: string;
}

export const LIGHT: Palette = {
  text: '#111827',
  soft: '#596273',
  line: '#d8dce3',
  ground: '#f3f4f6',
  card: '#ffffff',
  accent: '#1f4ed8',
  'on-accent': '#ffffff',
  bad: '#b42318',
  good: '#146c2e',
};

export const DARK: Palette = {
  text: '#e8eaee',
  soft: '#a7b0bf',
  line: '#353c48',
  ground: '#11141a',
  card: '#191e26',
  accent: '#8fb0ff',
  'on-accent': '#0b1220',
  bad: '#ff9b8f',
  good: '#7fd69a',
};

/** As custom properties: `--text:#111827;--soft:…`. */
export const customProperties = (palette: Palette): string =>
  Object.entries(palette)
    .map(([name, colour]) => `--${name}:${colour}`)
    .join(';');
