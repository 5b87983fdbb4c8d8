/**
 * Stands for the stand-in's own address in what is stored: the port may be another after a restart.
 * The real address takes its place when an answer or a webhook is sent.
 */
const OWN_ADDRESS = 'https://own-address.invalid';

/** The address of a page that plays one of Stripe's hosted pages. `path` starts with a slash. */
export const hostedUrl = (path: string): string => `${OWN_ADDRESS}${path}`;

/** `text` with the stand-in's address as `origin`, like `http://127.0.0.1:8420`. */
export const withOrigin = (text: string, origin: string): string => text.replaceAll(OWN_ADDRESS, origin);
