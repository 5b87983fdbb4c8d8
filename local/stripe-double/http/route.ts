import type { Scope } from '../scope.ts';
import type { FormFields } from './form.ts';
import { type InputOf, parseParameters, type Shape } from './parameters.ts';

export type Method = 'GET' | 'POST' | 'DELETE';

/** The ids in a path, by their names. */
export type Ids = Readonly<Record<string, string>>;

export interface Route {
  readonly method: Method;
  readonly path: string;
  /**
   * Checks the parameters and answers what is left to do.
   * @throws Refusal for what is wrong with the parameters alone: nothing was executed yet.
   */
  prepare(form: FormFields): (scope: Scope, ids: Ids) => unknown;
}

/** One call: where it is, what it takes, and what it does with that. */
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
