import fc from 'fast-check';

/** Marks every text of a request. An answer may repeat it to the client, but no log may contain it. */
export const MARKER = 'zqxmarker';

/** Has the form of an API key, but is not a key of any customer. */
export const NOBODYS_KEY = `rsolv_${'0'.repeat(32)}_${'A'.repeat(43)}`;

/** Text that often breaks programs. */
const NOTORIOUS = [
  '',
  ' ',
  '\u0000',
  `${MARKER}\u0000`,
  '\ud800',
  `${MARKER}\udfff${MARKER}`,
  '\u202e\ufeff\u200b',
  '\r\nx-injected: 1',
  '🦊'.repeat(300),
  'é'.repeat(600),
  'x'.repeat(5_000),
  '../../../etc/passwd',
  '..',
  '%00%2e%2e%2f',
  '__proto__',
  'constructor',
  'toString',
  "' OR 1=1; --",
  '<script>alert(1)</script>',
  '$' + '{jndi:ldap://x}',
  'unknown',
  'null',
  'NaN',
  '-1',
  '0x10',
  '1e309',
  '9007199254740993',
  '007',
  'HEAD#1',
  '[object Object]',
  MARKER,
  NOBODYS_KEY,
  `${MARKER}@${MARKER}.example`,
];

export const hostileText: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...NOTORIOUS) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme' }) },
  {
    weight: 1,
    arbitrary: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  },
);

const HOSTILE_NUMBERS = [0, -0, -1, 1.5, 2 ** 31, 2 ** 53, -(2 ** 53), 1e21, 5e-324, Number.MAX_VALUE];

/** Any JSON value, with a preference for awkward ones. */
export const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 3, arbitrary: hostileText },
  { weight: 2, arbitrary: fc.constantFrom<unknown>(...HOSTILE_NUMBERS, null, true, false, [], {}, [[]]) },
  { weight: 1, arbitrary: fc.jsonValue({ stringUnit: 'binary' }) },
  { weight: 1, arbitrary: fc.dictionary(hostileText, hostileText, { maxKeys: 3 }) },
  { weight: 1, arbitrary: fc.array(hostileText, { maxLength: 3 }) },
);

const DEEP = 20_000;
const OVER_64_KIB = 64 * 1024 + 1;

/** Bodies that are not JSON, or JSON that no serializer writes. */
export const hostileBody: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    '{',
    '{"a":}',
    '{"a":1}}',
    "{'a':1}",
    '{"pr_number":1e999}',
    `{"email":"${MARKER}","email":"b@c.example"}`,
    '{"__proto__":{"credit_balance":1}}',
    '{"metadata":{"__proto__":{"x":1}}}',
    '\ufeff{}',
    'undefined',
    'NaN',
    '"',
    '[1,]',
    '{"plan":"\\ud800"}',
    '{"plan":"\\u00"}',
    '['.repeat(DEEP) + ']'.repeat(DEEP),
    `{"pr_title":"${MARKER}${'x'.repeat(OVER_64_KIB)}"}`,
    ' '.repeat(OVER_64_KIB),
    `name=${MARKER}&email=x`,
  ),
  hostileText,
);
