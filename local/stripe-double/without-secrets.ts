/** A plain JSON copy without the client secret, which would let a reader pay for the customer. */
export const withoutSecrets = (value: unknown): object =>
  JSON.parse(JSON.stringify(value, (name, inner) => (name === 'client_secret' ? '***' : inner)) ?? '{}');
