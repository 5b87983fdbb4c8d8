import { CONTROLS } from '../controls.ts';
import type { Double } from '../double.ts';
import { redoRequest } from '../http/exchange.ts';
import { ROUTES } from '../routes.ts';
import type { ControlDeed, Deed, RequestDeed } from './entry.ts';
import { type JournalFile, type Line, unusable } from './file.ts';

/**
 * Repeats a journal's entries in their order and at their times, without deliveries.
 * @throws JournalError if an outcome differs from the recorded one.
 */
export function replay(double: Double, { path }: JournalFile, lines: readonly Line[]): void {
  for (const { number, entry } of lines) {
    switch (entry.kind) {
      case 'begin':
        break;
      case 'taken':
        double.deliveries.taken(entry.event, entry.endpoint);
        break;
      case 'turn':
        if (!double.redo(entry, () => workOf(double, entry.deed))) {
          throw unusable(path, number, 'replays with another outcome');
        }
        break;
      default:
        entry satisfies never;
    }
  }
}

function workOf(double: Double, deed: Deed): unknown {
  switch (deed.kind) {
    case 'request':
      return redoRequest(double, routeOf(deed), deed);
    case 'control':
      return redoControl(double, deed);
    case 'fault':
      return double.faults.take(deed.method, deed.path);
    case 'time':
      return undefined;
    default:
      return deed satisfies never;
  }
}

function routeOf({ method, route: path }: RequestDeed) {
  const route = ROUTES.find((one) => one.method === method && one.path === path);
  if (route === undefined) throw new Error(`there is no ${method} ${path}`);
  return route;
}

function redoControl(double: Double, { path, id, input }: ControlDeed): unknown {
  const control = CONTROLS.find((one) => one.path === path)?.prepare(input);
  if (control === undefined || 'problem' in control) throw new Error(`no control ${path} takes this input`);
  return control.run(double, id);
}
