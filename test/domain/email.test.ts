import { describe, expect, it } from 'vitest';
import { emailFault, mailForm } from '../../lib/domain/email.ts';

describe('an e-mail address', () => {
  it.each([
    'r&d@acme.example',
    'ivan@xn--e1afmkfd.xn--p1ai',
    "o'neil+billing@a.co.uk",
    'a.b.c@d.e.f.example',
    '!#$%&*+/=?^_`{|}~-@x.io',
    '1@2.example',
    'a@x--y.example',
    `${'l'.repeat(64)}@${'d'.repeat(63)}.example`,
    'a@example.co',
    'a@example.cm',
    'a@example.ne',
    'a@example.om',
    'A@EXAMPLE.COM',
    'a@example.1a',
    'a@example.a1',
  ])('%s can receive mail', (email) => {
    expect(emailFault(email)).toBeNull();
    expect(mailForm(email)).toBe(email);
  });

  it.each([
    ['not an address', 'name@example.com'],
    ['x.io', 'name@example.com'],
    ['@x.io', 'name@example.com'],
    ['a@', 'name@example.com'],
    ['a@localhost', 'name@example.com'],
    ['a b@x.io', 'name@example.com'],
    ['a..b@x.io', 'name@example.com'],
    ['.a@x.io', 'name@example.com'],
    ['a@x..io', 'name@example.com'],
    ['a@x.io.', 'name@example.com'],
    ['a@1.2.3.4', 'name@example.com'],
    ['a@example.shop.42', 'name@example.com'],
    ['a@[1.2.3.4]', 'name@example.com'],
    ['"a b"@x.io', 'name@example.com'],
    ['a@x_y.example', 'name@example.com'],
    [`a@${'d'.repeat(64)}.example`, 'name@example.com'],
    ['a@example-.com', 'hyphen'],
    ['a@-example.com', 'hyphen'],
    ['a@example.con', 'ends in .con. Did you mean .com?'],
    ['a@example.CON', 'ends in .con. Did you mean .com?'],
    ['a@shop.example.con', 'ends in .con. Did you mean .com?'],
    ['иван@x.io', 'English letters'],
    [`${'l'.repeat(65)}@x.io`, 'at most 64 characters'],
  ])('%s cannot receive mail, and the reason mentions: %s', (email, reason) => {
    expect(emailFault(email)).toContain(reason);
  });

  it.each([
    [
      'com',
      ['con', 'cmo', 'ocm', 'cim', 'cpm', 'vom', 'xom', 'conm', 'comm', 'coom', 'ccom', 'copm', 'coml'],
    ],
    ['net', ['nte', 'ent', 'nett', 'nwt', 'ney']],
    ['org', ['ogr', 'rog', 'orgg', 'orq']],
  ])('an address that mistypes .%s is rejected with the domain that was meant: %j', (meant, mistyped) => {
    expect(mistyped.map((top) => emailFault(`a@example.${top}`))).toEqual(
      mistyped.map(
        (top) => `cannot receive mail: there is no domain that ends in .${top}. Did you mean .${meant}?`,
      ),
    );
  });

  it.each([
    ['info@пример.рф', 'info@xn--e1afmkfd.xn--p1ai'],
    ['Info@MÜNCHEN.example', 'Info@xn--mnchen-3ya.example'],
    ['a@münchen.de/path', 'a@münchen.de/path'],
    ['a@münchen.de:80', 'a@münchen.de:80'],
    ['a@xn--ü.de', 'a@xn--ü.de'],
    ['no address', 'no address'],
  ])('the domain of %s is written as mail systems write it: %s', (email, form) => {
    expect(mailForm(email)).toBe(form);
  });
});
