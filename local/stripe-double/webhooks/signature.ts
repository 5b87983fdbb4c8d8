import { createHmac } from 'node:crypto';

/** Stripe's signature header of a delivery: one signature per valid secret. */
export function signatureHeader(body: string, secrets: readonly string[], atSeconds: number): string {
  const signatures = secrets.map(
    (secret) => `v1=${createHmac('sha256', secret).update(`${atSeconds}.${body}`).digest('hex')}`,
  );
  return [`t=${atSeconds}`, ...signatures].join(',');
}
