import type * as z from 'zod/mini';

/** Drops other issues of a mistyped value: zod also checks the length of a value of the wrong type. */
export function withoutRepeats(issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue[] {
  const pathOf = ({ path }: z.core.$ZodIssue) => JSON.stringify(path);
  const mistyped = new Set(issues.filter(({ code }) => code === 'invalid_type').map(pathOf));
  return issues.filter((issue) => issue.code === 'invalid_type' || !mistyped.has(pathOf(issue)));
}
