import type Stripe from 'stripe';
import * as z from 'zod/mini';
import { clearable, text } from '../http/parameters.ts';

export const EMPTY_ADDRESS: Readonly<Stripe.Address> = {
  city: null,
  country: null,
  line1: null,
  line2: null,
  postal_code: null,
  state: null,
};

const part = z.optional(clearable(text()));

export const address = z.pipe(
  z.strictObject({ city: part, country: part, line1: part, line2: part, postal_code: part, state: part }),
  z.transform(
    (fields): Stripe.Address => ({
      city: fields.city ?? null,
      country: fields.country ?? null,
      line1: fields.line1 ?? null,
      line2: fields.line2 ?? null,
      postal_code: fields.postal_code ?? null,
      state: fields.state ?? null,
    }),
  ),
);

/** The shipping details of a customer or a payment. */
export const shipping = z.pipe(
  z.strictObject({ address, name: text(), phone: part }),
  z.transform((fields) => ({ address: fields.address, name: fields.name, phone: fields.phone ?? null })),
);
