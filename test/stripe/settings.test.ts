import { describe, expect, it } from 'vitest';
import { parseStripeConfig, parseWebhookSecrets } from '../../lib/settings/stripe.ts';

const SECRET = 'sk_test_TheSecretItself';

const settings = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  STAGE: 'staging',
  STRIPE_SECRET_KEY: SECRET,
  STRIPE_PRO_PRICE_ID: 'price_1',
  ...more,
});

describe('the settings for Stripe', () => {
  it('the settings for Stripe are a key, a price, and locally another address', () => {
    expect(parseStripeConfig(settings())).toEqual({
      secretKey: SECRET,
      proPriceId: 'price_1',
      mailsReceipts: false,
      apiBase: null,
    });
    const local = parseStripeConfig(settings({ STRIPE_API_BASE: 'http://127.0.0.1:8420' }));
    expect(local.apiBase?.port).toBe('8420');
    expect(parseStripeConfig(settings({ STRIPE_RECEIPT_EMAILS: 'on' })).mailsReceipts).toBe(true);
    const live = settings({ STAGE: 'production', STRIPE_SECRET_KEY: 'rk_live_TheSecretItself' });
    expect(parseStripeConfig(live).secretKey).toBe('rk_live_TheSecretItself');
  });

  it.each([
    ['a live key outside production', { STRIPE_SECRET_KEY: 'sk_live_TheSecretItself' }, 'STRIPE_SECRET_KEY'],
    ['a live restricted key there', { STRIPE_SECRET_KEY: 'rk_live_TheSecretItself' }, 'STRIPE_SECRET_KEY'],
    ['a test key in production', { STAGE: 'production' }, 'STRIPE_SECRET_KEY'],
    ['production misspelt', { STAGE: 'Production', STRIPE_SECRET_KEY: 'sk_live_T' }, 'STRIPE_SECRET_KEY'],
    ['no key', { STRIPE_SECRET_KEY: undefined }, 'STRIPE_SECRET_KEY'],
    ['a public key', { STRIPE_SECRET_KEY: 'pk_test_TheSecretItself' }, 'STRIPE_SECRET_KEY'],
    ['a key with a space', { STRIPE_SECRET_KEY: ` ${SECRET}` }, 'STRIPE_SECRET_KEY'],
    ['no price', { STRIPE_PRO_PRICE_ID: undefined }, 'STRIPE_PRO_PRICE_ID'],
    ['a product for a price', { STRIPE_PRO_PRICE_ID: 'prod_TheSecretItself' }, 'STRIPE_PRO_PRICE_ID'],
    ['receipts neither on nor off', { STRIPE_RECEIPT_EMAILS: 'TheSecretItself' }, 'STRIPE_RECEIPT_EMAILS'],
    ['no stage', { STAGE: undefined }, 'STAGE'],
    ['an address that is none', { STRIPE_API_BASE: 'TheSecretItself' }, 'STRIPE_API_BASE'],
  ])('%s among the Stripe settings is rejected by name, without its value', (_name, more, variable) => {
    expect(() => parseStripeConfig(settings(more))).toThrow(variable);
    expect(() => parseStripeConfig(settings(more))).not.toThrow(/TheSecretItself/);
  });

  it('the error lists every invalid setting at once', () => {
    const parse = () => parseStripeConfig({ STAGE: 'staging' });
    expect(parse).toThrow(/STRIPE_SECRET_KEY.*STRIPE_PRO_PRICE_ID/);
  });
});

describe('the signing secrets', () => {
  it('the signing secrets are one, or two during a rotation', () => {
    expect(parseWebhookSecrets('whsec_a')).toEqual(['whsec_a']);
    expect(parseWebhookSecrets('whsec_a,whsec_b')).toEqual(['whsec_a', 'whsec_b']);
  });

  it.each([undefined, '', 'TheSecretItself', 'whsec_TheSecretItself,', 'whsec_a,whsec_b,whsec_c', 'whsec_'])(
    'the signing secrets %j are rejected by name, without their value',
    (value) => {
      expect(() => parseWebhookSecrets(value)).toThrow('STRIPE_WEBHOOK_SECRETS');
      expect(() => parseWebhookSecrets(value)).not.toThrow(/TheSecretItself/);
    },
  );
});
