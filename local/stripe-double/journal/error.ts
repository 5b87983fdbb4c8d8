/** The journal cannot be opened or replayed. The message is one line with the remedy. */
export class JournalError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'JournalError';
  }
}
