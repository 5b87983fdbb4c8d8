import * as z from 'zod/mini';

/** An event of Stripe's API v2. It only names an object. No event that this service handles has this form. */
const ThinEvent = z.looseObject({
  id: z.string().check(z.regex(/^evt_\w{1,250}$/)),
  object: z.literal('v2.core.event'),
  type: z.string().check(z.regex(/^[\x21-\x7e]{1,200}$/)),
  created: z.iso.datetime({ offset: true }),
  livemode: z.boolean(),
  related_object: z.optional(z.nullable(z.looseObject({ id: z.string().check(z.regex(/^[\w-]{1,255}$/)) }))),
});
export type ThinEvent = z.output<typeof ThinEvent>;

/** Null for a value that is not a thin event. */
export function parseThinEvent(value: unknown): ThinEvent | null {
  const parsed = ThinEvent.safeParse(value);
  return parsed.success ? parsed.data : null;
}
