/** The journal cannot be opened or replayed. The message is one line that says what to do. */
export class JournalError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'JournalError';
  }
}
