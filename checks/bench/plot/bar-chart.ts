import { linearScale } from './scale.ts';
import { BUDGET, COLOURS, element, GRID, line, picture, rounded, text } from './svg.ts';

export interface BarChart {
  readonly title: string;
  readonly x: string;
  readonly bars: readonly { readonly name: string; readonly value: number }[];
  /** The limit that no bar should exceed. */
  readonly limit: number;
}

const WIDTH = 720;
const LEFT = 190;
const RIGHT = 660;
const TOP = 48;
const ROW = 20;

export function barChart({ title, x, bars, limit }: BarChart): string {
  const bottom = TOP + ROW * bars.length;
  const across = linearScale(Math.max(limit, ...bars.map(({ value }) => value)), LEFT, RIGHT);
  const end = across.at(limit);
  return picture(WIDTH, bottom + 52, title, [
    ...across.ticks.map(
      (tick) =>
        line(across.at(tick), TOP, across.at(tick), bottom, { stroke: GRID }) +
        text(across.at(tick), bottom + 16, tick.toFixed(1), { 'text-anchor': 'middle' }),
    ),
    ...bars.map(({ name, value }, i) => {
      const y = TOP + ROW * i;
      const width = rounded(across.at(value) - LEFT);
      return [
        text(LEFT - 8, y + 14, name, { 'text-anchor': 'end' }),
        element('rect', { x: LEFT, y: y + 3, width, height: ROW - 6, fill: COLOURS[0] }),
        text(Math.max(LEFT + width, value <= limit ? end : 0) + 6, y + 14, value.toFixed(2)),
      ].join('');
    }),
    line(end, TOP - 4, end, bottom, { stroke: BUDGET, 'stroke-width': 2, 'stroke-dasharray': '6 3' }),
    text(end, TOP - 8, `budget ${limit}`, { 'text-anchor': 'middle', fill: BUDGET }),
    text((LEFT + RIGHT) / 2, bottom + 36, x, { 'text-anchor': 'middle' }),
  ]);
}
