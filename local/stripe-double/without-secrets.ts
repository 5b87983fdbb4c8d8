/** A copy as plain JSON, without what would let a reader pay in the customer's place. */
export const withoutSecrets = (value: unknown): object =>
  JSON.parse(JSON.stringify(value, (name, inner) => (name === 'client_secret' ? '***' : inner)) ?? '{}');
