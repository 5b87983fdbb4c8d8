import type * as z from 'zod/mini';

/** zod measures the length of what has one, also where it is of the wrong type: then that is all that is wrong. */
export function saidOnce(issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue[] {
  const pathOf = ({ path }: z.core.$ZodIssue) => JSON.stringify(path);
  const mistyped = new Set(issues.filter(({ code }) => code === 'invalid_type').map(pathOf));
  return issues.filter((issue) => issue.code === 'invalid_type' || !mistyped.has(pathOf(issue)));
}
