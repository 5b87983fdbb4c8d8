import { CONTROLS } from '../controls.ts';
import type { Double } from '../double.ts';
import { redoRequest } from '../http/exchange.ts';
import { ROUTES } from '../routes.ts';
import type { Change, ControlChange, RequestChange } from './entry.ts';
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
        if (!double.redo(entry, () => workOf(double, entry.change))) {
          throw unusable(path, number, 'replays with another outcome');
        }
        break;
      default:
        entry satisfies never;
    }
  }
}

function workOf(double: Double, change: Change): unknown {
  switch (change.kind) {
    case 'request':
      return redoRequest(double, routeOf(change), change);
    case 'control':
      return redoControl(double, change);
    case 'fault':
      return double.faults.take(change.method, change.path);
    case 'time':
      return undefined;
    default:
      return change satisfies never;
  }
}

function routeOf({ method, route: path }: RequestChange) {
  const route = ROUTES.find((one) => one.method === method && one.path === path);
  if (route === undefined) throw new Error(`there is no ${method} ${path}`);
  return route;
}

function redoControl(double: Double, { path, id, input }: ControlChange): unknown {
  const control = CONTROLS.find((one) => one.path === path)?.prepare(input);
  if (control === undefined || 'problem' in control) throw new Error(`no control ${path} takes this input`);
  return control.run(double, id);
}
