/**
 * An expected failure. Its one-line message says what to do, so it is shown without a stack. `output` holds
 * the last lines of a failed process, for diagnosis.
 */
export class SetupError extends Error {
  readonly output: readonly string[];

  constructor(message: string, output: readonly string[] = []) {
    super(message);
    this.name = 'SetupError';
    this.output = output;
  }
}

/** The reason of any error, in one line: the message of its innermost cause. */
export function reasonOf(error: unknown): string {
  // A failed fetch or connection has its reason in the cause, or in several if a name has several addresses.
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  if (error instanceof Error && error.cause !== undefined) return reasonOf(error.cause);
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.replaceAll(/\s+/g, ' ').trim();
}

export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
