/**
 * A failure that was foreseen: its message is one line that says what to do, so it is shown without a stack.
 * `output` holds the last lines of a process that failed, for those who want to look further.
 */
export class SetupError extends Error {
  readonly output: readonly string[];

  constructor(message: string, output: readonly string[] = []) {
    super(message);
    this.name = 'SetupError';
    this.output = output;
  }
}

/** What an unknown error says of itself, in one line. */
export function reasonOf(error: unknown): string {
  // A failed fetch or connection keeps its reason in the cause, or in several when a name has several addresses.
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  if (error instanceof Error && error.cause !== undefined) return reasonOf(error.cause);
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.replaceAll(/\s+/g, ' ').trim();
}

export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
