import type { MiddlewareHandler } from 'hono';

const LOOPBACK = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i;

/**
 * Rejects requests for any host but this machine. A foreign page can point its own name at 127.0.0.1 and
 * would then share the origin of these pages (DNS rebinding). Its requests still carry that name.
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
