/**
 * Placeholder for the stand-in's address in stored data, because the port may change with a restart. Answers
 * and webhooks are sent with the real address.
 */
const OWN_ADDRESS = 'https://own-address.invalid';

/** The address of a page that imitates one of Stripe's hosted pages. `path` starts with a slash. */
export const hostedUrl = (path: string): string => `${OWN_ADDRESS}${path}`;

/** `text` with `origin`, such as `http://127.0.0.1:8420`, in place of the placeholder. */
export const withOrigin = (text: string, origin: string): string => text.replaceAll(OWN_ADDRESS, origin);
