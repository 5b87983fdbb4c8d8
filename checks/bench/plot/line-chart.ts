import { linearScale, logScale, type Scale } from './scale.ts';
import { BUDGET, COLOURS, element, GRID, line, picture, rounded, text } from './svg.ts';

export interface Dot {
  readonly x: number;
  readonly y: number;
}

export interface LineChart {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  /** The x axis is always logarithmic. The y axis is logarithmic, or linear from 0. */
  readonly isYLogarithmic: boolean;
  readonly lines: readonly { readonly name: string; readonly dots: readonly Dot[] }[];
  /** Upper limits at these x. */
  readonly limits?: readonly Dot[];
}

const WIDTH = 720;
const PLOT = { left: 64, right: 688, top: 44, bottom: 300 };
const LEGEND_LINE = 18;

export function lineChart({ title, x, y, isYLogarithmic, lines, limits = [] }: LineChart): string {
  const dots = [...lines.flatMap((one) => one.dots), ...limits];
  const xs = dots.map((dot) => dot.x);
  const ys = dots.map((dot) => dot.y);
  const across = logScale(Math.min(...xs), Math.max(...xs), PLOT.left, PLOT.right);
  const up = isYLogarithmic
    ? logScale(Math.min(...ys), Math.max(...ys), PLOT.bottom, PLOT.top)
    : linearScale(Math.max(...ys), PLOT.bottom, PLOT.top);
  const legend = [...lines.map(({ name }) => name), ...(limits.length > 0 ? ['budget'] : [])];
  const height = PLOT.bottom + 52 + LEGEND_LINE * legend.length;
  return picture(WIDTH, height, title, [
    ...axes(across, up, x, y),
    ...lines.map((one, i) => drawn(one.dots, across, up, colourOf(i), i)),
    ...limits.map((limit) => cross(across.at(limit.x), up.at(limit.y))),
    ...legend.map((name, i) => {
      const at = PLOT.bottom + 56 + LEGEND_LINE * i;
      const sign =
        i < lines.length
          ? line(PLOT.left, at - 4, PLOT.left + 24, at - 4, strokeOf(colourOf(i), i))
          : cross(PLOT.left + 12, at - 4);
      return sign + text(PLOT.left + 34, at, name);
    }),
  ]);
}

function axes(across: Scale, up: Scale, x: string, y: string): string[] {
  return [
    ...up.ticks.map(
      (tick) =>
        line(PLOT.left, up.at(tick), PLOT.right, up.at(tick), { stroke: GRID }) +
        text(PLOT.left - 8, up.at(tick) + 4, shown(tick), { 'text-anchor': 'end' }),
    ),
    ...across.ticks.map(
      (tick) =>
        line(across.at(tick), PLOT.top, across.at(tick), PLOT.bottom, { stroke: GRID }) +
        text(across.at(tick), PLOT.bottom + 16, shown(tick), { 'text-anchor': 'middle' }),
    ),
    text((PLOT.left + PLOT.right) / 2, PLOT.bottom + 34, x, { 'text-anchor': 'middle' }),
    text(0, 0, y, {
      transform: `translate(18 ${(PLOT.top + PLOT.bottom) / 2}) rotate(-90)`,
      'text-anchor': 'middle',
    }),
  ];
}

function drawn(dots: readonly Dot[], across: Scale, up: Scale, colour: string, nth: number): string {
  const places = dots.map((dot) => ({ x: rounded(across.at(dot.x)), y: rounded(up.at(dot.y)) }));
  const points = places.map((place) => `${place.x},${place.y}`).join(' ');
  return [
    element('polyline', { points, fill: 'none', ...strokeOf(colour, nth) }),
    ...places.map((place) => element('circle', { cx: place.x, cy: place.y, r: 3.5, fill: colour })),
  ].join('');
}

const colourOf = (nth: number): string => COLOURS[nth % COLOURS.length] ?? COLOURS[0];

/** Dashes lines after the first, so that overlapping lines stay visible. */
const strokeOf = (colour: string, nth: number) => ({
  stroke: colour,
  'stroke-width': 2,
  ...(nth > 0 && { 'stroke-dasharray': `${10 - 2 * (nth % 4)} ${2 + nth}` }),
});

function cross(x: number, y: number): string {
  const stroke = { stroke: BUDGET, 'stroke-width': 2 };
  return line(x - 5, y - 5, x + 5, y + 5, stroke) + line(x - 5, y + 5, x + 5, y - 5, stroke);
}

const shown = (tick: number): string => Number(tick.toPrecision(6)).toLocaleString('en');
