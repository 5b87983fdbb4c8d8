/** A message to one person, in text and in HTML. */
export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** What it is about, for the mail service's statistics. */
  readonly kind: string;
}

export interface MailPort {
  /**
   * Sends a message once for each call, and answers the mail service's id of it.
   * @throws MailFault when it was not accepted
   */
  send(mail: Mail): Promise<string>;
}

/** The mail service did not take a message. `reason` names why, without the address or anything the message says. */
export class MailFault extends Error {
  readonly reason: string;
  /** It takes only so many in a second, and has taken nothing of this one: in a moment it may. */
  readonly isBusy: boolean;

  constructor(reason: string, isBusy = false) {
    super(`The mail service did not take the message: ${reason}`);
    this.name = 'MailFault';
    this.reason = reason;
    this.isBusy = isBusy;
  }
}
