import { convertToAttr, convertToNative } from '@aws-sdk/util-dynamodb';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromAttribute, toAttribute } from '../../lib/store/wire/attributes.ts';

const number = fc.oneof(
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, min: -Number.MAX_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }),
);
const set = fc.oneof(
  fc.uniqueArray(fc.string(), { minLength: 1 }).map((members) => new Set(members)),
  fc.uniqueArray(number, { minLength: 1 }).map((members) => new Set(members)),
  fc.uniqueArray(fc.bigInt(), { minLength: 1 }).map((members) => new Set(members)),
);
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.string({ unit: 'binary' }),
    number,
    fc.bigInt(),
    fc.boolean(),
    fc.constant(null),
    set,
    fc.array(tie('value')),
    fc.dictionary(
      fc.string().filter((name) => name !== '__proto__'),
      tie('value'),
    ),
  ),
}));

describe('values as attributes', () => {
  it('every value has the attribute that the library of AWS gives it', () => {
    fc.assert(
      fc.property(value, (any) => {
        expect(toAttribute(any)).toEqual(convertToAttr(any));
      }),
    );
  });

  it('every attribute has the value that the library of AWS reads', () => {
    fc.assert(
      fc.property(value, (any) => {
        const attribute = convertToAttr(any);
        expect(fromAttribute(attribute)).toEqual(convertToNative(attribute));
      }),
    );
  });

  it.each([
    ['undefined', undefined],
    ['a list with undefined', [1, undefined]],
    ['a map with undefined', { a: { b: undefined } }],
    ['NaN', Number.NaN],
    ['infinity', Number.NEGATIVE_INFINITY],
    ['a number that is not exact', 2 ** 53],
    ['a negative number that is not exact', -(2 ** 53)],
    ['a set with a number that is not exact', new Set([1, 2 ** 53])],
    ['an empty set', new Set()],
    ['a date', new Date(0)],
    ['a symbol', Symbol('x')],
  ])('%s is rejected, as by the library of AWS', (_name, bad) => {
    expect(() => toAttribute(bad)).toThrow();
    expect(() => convertToAttr(bad)).toThrow();
  });

  it.each([
    ['a function, which the library of AWS drops', { a: () => {} }],
    ['a set of texts and numbers', new Set(['1', 1])],
    ['bytes, which the store never writes', new Uint8Array([1])],
  ])('%s is rejected', (_name, bad) => {
    expect(() => toAttribute(bad)).toThrow();
  });

  it('a stored number beyond the exact range of a double is read exactly', () => {
    expect(fromAttribute({ N: '9007199254740993' })).toBe(9_007_199_254_740_993n);
    expect(fromAttribute({ NS: ['-9007199254740993', '1'] })).toEqual(new Set([-9_007_199_254_740_993n, 1]));
  });

  it('the largest exact number is stored, and is read as a number', () => {
    for (const largest of [Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER]) {
      expect(toAttribute(largest)).toEqual({ N: String(largest) });
      expect(fromAttribute({ N: String(largest) })).toBe(largest);
    }
  });

  it('a set of whole numbers of any size is stored digit by digit', () => {
    expect(toAttribute(new Set([1, 9_007_199_254_740_993n]))).toEqual({ NS: ['1', '9007199254740993'] });
  });

  it('bytes that another program stored are read', () => {
    expect(fromAttribute(JSON.parse('{"B":"aGk="}'))).toEqual(Buffer.from('hi'));
    expect(fromAttribute(JSON.parse('{"BS":["aGk="]}'))).toEqual(new Set([Buffer.from('hi')]));
  });

  it('bytes that are decoded already are read unchanged', () => {
    const bytes = new Uint8Array([104, 105]);
    expect(fromAttribute({ B: bytes })).toBe(bytes);
  });

  it('an attribute of an unknown type is an error, not a missing value', () => {
    expect(() => fromAttribute(JSON.parse('{"X":"1"}'))).toThrow('no known type');
  });
});
