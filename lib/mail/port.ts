/** A message to one person, in text and in HTML. */
export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** The kind of notice, for the mail service's statistics. */
  readonly kind: string;
  /** Turns off letters of this kind, also for a mail program that asks on its own; null for other letters. */
  readonly unsubscribeUrl: string | null;
}

export interface MailPort {
  /**
   * Sends a message once per call and returns the mail service's message id.
   * @throws MailFault if the message was not accepted
   */
  send(mail: Mail): Promise<string>;
}

/** The mail service did not accept a message. `reason` contains neither the address nor any content. */
export class MailFault extends Error {
  readonly reason: string;
  /** The service's rate limit was exceeded, and the message was not accepted. A retry may succeed. */
  readonly isBusy: boolean;

  constructor(reason: string, isBusy = false) {
    super(`The mail service rejected the message: ${reason}`);
    this.name = 'MailFault';
    this.reason = reason;
    this.isBusy = isBusy;
  }
}
