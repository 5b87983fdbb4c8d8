/** The notices of a customer that waited for the next day, in one letter. */
export interface DigestContent {
  readonly kind: 'digest';
  /** `kind#id` of each notice. */
  readonly notices: readonly string[];
}
