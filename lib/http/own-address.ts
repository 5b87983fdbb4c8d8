const MAX_HOST_LENGTH = 255;
const LOOPBACK = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/;
const DOMAIN = /^[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::\d{1,5})?$/;

/**
 * The origin of a request's URL, from its Host header; null if the header is missing or not a host name. The
 * result has no character that HTML or a shell would interpret. Only a loopback host is served without TLS.
 */
export function ownAddress(header: string | undefined): string | null {
  const host = header?.toLowerCase() ?? '';
  if (host.length > MAX_HOST_LENGTH) return null;
  if (LOOPBACK.test(host)) return `http://${host}`;
  return DOMAIN.test(host) ? `https://${host}` : null;
}
