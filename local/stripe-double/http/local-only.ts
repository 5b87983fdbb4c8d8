import type { MiddlewareHandler } from 'hono';

const LOOPBACK = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i;

/**
 * Refuses requests for any host but this machine. A page of another site can make its own name point at 127.0.0.1 and
 * would then be of the same origin as these pages (DNS rebinding); its requests still carry that name.
 */
export const localOnly: MiddlewareHandler = async (c, next) => {
  if (!LOOPBACK.test(c.req.header('host') ?? '')) {
    return c.text(
      'This server answers only to localhost, 127.0.0.1 and [::1]. Open it under one of these.\n',
      421,
    );
  }
  return next();
};
