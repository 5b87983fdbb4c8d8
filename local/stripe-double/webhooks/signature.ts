import { createHmac } from 'node:crypto';

/** The header Stripe signs a delivery with: one signature for each secret that is valid now. */
export function signatureHeader(body: string, secrets: readonly string[], atSeconds: number): string {
  const signatures = secrets.map(
    (secret) => `v1=${createHmac('sha256', secret).update(`${atSeconds}.${body}`).digest('hex')}`,
  );
  return [`t=${atSeconds}`, ...signatures].join(',');
}
