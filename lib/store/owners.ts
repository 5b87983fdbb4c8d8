import * as z from 'zod/mini';
import { CONDITIONS } from './conditions.ts';
import { keys } from './keys.ts';
import { record, text } from './record.ts';
import { type Item, readOne, type Table, type Write } from './table.ts';
import { put, remove } from './write.ts';

/*
 * Items that say which customer something belongs to: a Stripe id, a card that earned its bonus, an address.
 */

const owners = record<{ readonly customerId: string }>(z.object({ customerId: text }));

/** The customer that owns a Stripe id, a card's bonus or an address. */
export const decodeOwner = (item: Item): string => owners.decode(item).customerId;

/** Binds a Stripe customer or payment method to a customer. Events find their customer by it. */
export const bindStripeId = (stripeId: string, customerId: string): Write =>
  put({ ...keys.stripe(stripeId), ...owners.encode({ customerId }) }, CONDITIONS.STRIPE_ID_IS_FREE, {
    customer: customerId,
  });

/** Claims a card's bonus for a customer. */
export const claimCard = (fingerprint: string, customerId: string): Write =>
  put({ ...keys.card(fingerprint), ...owners.encode({ customerId }) }, CONDITIONS.CARD_IS_NEW);

/** Claims an e-mail address for a new customer. */
export const claimEmail = (email: string, customerId: string): Write =>
  put({ ...keys.email(email), ...owners.encode({ customerId }) }, CONDITIONS.EMAIL_IS_FREE);

/** Releases the address that a customer had claimed. */
export const forgetEmail = (email: string, customerId: string): Write =>
  remove(keys.email(email), CONDITIONS.EMAIL_IS_THEIRS, { customer: customerId });

/** The customer who has this address; null if it is free. */
export const findByEmail = (table: Table, email: string): Promise<string | null> =>
  readOne(table, keys.email(email), decodeOwner);
