import type { Scope } from '../scope.ts';
import type { FormFields } from './form.ts';
import { type InputOf, parseParameters, type Shape } from './parameters.ts';

export type Method = 'GET' | 'POST' | 'DELETE';

/** The ids in a path, by name. */
export type Ids = Readonly<Record<string, string>>;

export interface Route {
  readonly method: Method;
  readonly path: string;
  /**
   * Checks the parameters and returns the rest of the call.
   * @throws Refusal for wrong parameters, before anything runs.
   */
  prepare(form: FormFields): (scope: Scope, ids: Ids) => unknown;
}

/** One call: its path, its parameters and its effect. */
export function route<S extends Shape>(
  method: Method,
  path: string,
  parameters: S,
  answer: (scope: Scope, input: InputOf<S>, ids: Ids) => unknown,
): Route {
  return {
    method,
    path,
    prepare: (form) => {
      const input = parseParameters(parameters, form);
      return (scope, ids) => answer(scope, input, ids);
    },
  };
}
