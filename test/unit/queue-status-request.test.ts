import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readCursor, writeCursor } from '../../lambdas/queue-status/cursor.ts';
import { parseRequest } from '../../lambdas/queue-status/request.ts';

const ID = 'aaaaaaaa-0000-4000-8000-000000000001';
const PLACE = { created_at: '2026-11-24T18:00:48.123456+00:00', id: ID };

/** As the gateway hands it over: the segment of the path as it was sent, the query decoded. */
const parse = (customerId: string | undefined, query: Record<string, string> | null = null) =>
  parseRequest({ pathParameters: customerId === undefined ? null : { customerId }, queryStringParameters: query });
const encoded = (text: string) => Buffer.from(text).toString('base64url');

describe('a customer id', () => {
  test.each([
    ['plain', 'acme-gmbh', 'acme-gmbh'],
    ['a uuid', ID, ID],
    ['encoded', 'someone%40example.com', 'someone@example.com'],
    ['not encoded where it need not be', 'someone@example.com', 'someone@example.com'],
    ['of other scripts', '%E6%A0%AA%20caf%C3%A9', '株 café'],
    ['with a percent sign, decoded once', '100%2525', '100%25'],
    ['with a plus, which is no space in a path', 'a+b', 'a+b'],
    ['that climbs', '..%2F..%2Fx', '../../x'],
    ['that injects', "'%20or%201%3D1", "' or 1=1"],
    ['of a space', '%20', ' '],
    ['of 128 characters', 'x'.repeat(128), 'x'.repeat(128)],
    ['of 128 characters that take 12 each when encoded', '%F0%9F%90%9D'.repeat(128), '🐝'.repeat(128)],
  ])('%s is taken literally', (_name, segment, customerId) => {
    expect(parse(segment)).toEqual({ customerId, limit: 20, before: undefined });
  });

  test.each([
    ['missing', undefined, /has 0 characters, wanted 1 to 128/],
    ['empty', '', /has 0 characters/],
    ['of 129 characters', 'x'.repeat(129), /has 129 characters/],
    ['of 10 kB', 'x'.repeat(10_000), /has 10000 characters/],
    ['with NUL', 'a%00b', /control character/],
    ['with a line end', 'a%0D%0AX-Injected:%20b', /control character/],
    ['with DEL', 'a%7F', /control character/],
    ['with a C1 control', 'a%C2%85', /control character/],
    ['with a lone percent sign', '100%', /percent-encoded UTF-8/],
    ['with bytes that are no UTF-8', '%ff', /percent-encoded UTF-8/],
    ['with an encoded surrogate', '%ED%A0%80', /percent-encoded UTF-8/],
    ['with half a character', 'a\ud800', /percent-encoded UTF-8/],
  ])('%s is refused', (_name, segment, message) => {
    expect(() => parse(segment)).toThrow(
      expect.objectContaining({ status: 400, message: expect.stringMatching(message) }),
    );
  });

  test('comes through whatever a client encodes, or is refused, and never breaks', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 128 }), (text) => {
        const act = () => parse(encodeURIComponent(text)).customerId;
        if (/\p{Cc}/u.test(text)) expect(act).toThrow(/control character/);
        else expect(act()).toBe(text);
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (segment) => {
        try {
          expect(parse(segment).customerId).not.toMatch(/\p{Cc}/u);
        } catch (error) {
          expect(error).toMatchObject({ status: 400 });
        }
      }),
    );
  });
});

describe('a limit', () => {
  test.each([
    ['1', 1],
    ['20', 20],
    ['100', 100],
  ])('of %s is taken', (limit, wanted) => {
    expect(parse('c', { limit }).limit).toBe(wanted);
  });

  test.each(['', '0', '101', '-1', '1.5', '1e2', ' 5', '0x10', 'ten', '9'.repeat(400), '٣'])(
    'of "%s" is refused',
    (limit) => {
      expect(() => parse('c', { limit })).toThrow(
        expect.objectContaining({ status: 400, message: expect.stringMatching(/^The limit is ".{0,20}", wanted/u) }),
      );
    },
  );
});

describe('a cursor', () => {
  test.each([
    PLACE,
    { ...PLACE, created_at: '2026-11-24T18:00:48+00:00' },
    { ...PLACE, created_at: '2024-02-29T23:59:59.1+00:00' },
    { ...PLACE, created_at: '58824-02-29T12:00:00.000001+00:00' },
    { ...PLACE, created_at: '294276-12-31T23:59:59.999999+00:00' },
    { ...PLACE, created_at: '-infinity' },
  ])('of %j is read as it was written', (place) => {
    expect(parse('c', { cursor: writeCursor(place) }).before).toEqual(place);
    expect(writeCursor(place)).toMatch(/^[\w-]+$/);
  });

  test.each([
    ['nothing', ''],
    ['no base64url', 'not a cursor!'],
    ['padding', `${writeCursor(PLACE)}=`],
    ['a character that base64 passes over', `${writeCursor(PLACE)}.`],
    ['10 kB', 'A'.repeat(10_000)],
    ['an id alone', encoded(ID)],
    ['a time alone', encoded(PLACE.created_at)],
    ['another id', encoded(`${PLACE.created_at} 1`)],
    ['an id in capitals', encoded(`${PLACE.created_at} ${ID.toUpperCase()}`)],
    ['a day that the calendar has not', encoded(`2026-02-30T00:00:00+00:00 ${ID}`)],
    ['an hour that the clock has not', encoded(`2026-02-01T24:00:00+00:00 ${ID}`)],
    ['a year that Postgres has not', encoded(`0000-01-01T00:00:00+00:00 ${ID}`)],
    ['a year that Postgres has no more', encoded(`294277-01-01T00:00:00+00:00 ${ID}`)],
    ['a long year with a day that the calendar has not', encoded(`58825-02-29T00:00:00+00:00 ${ID}`)],
    ['a year with a nought before it', encoded(`02026-01-01T00:00:00+00:00 ${ID}`)],
    ['a time elsewhere', encoded(`2026-02-01T00:00:00+01:00 ${ID}`)],
    ['a time that never comes', encoded(`infinity ${ID}`)],
    ['more than a place', encoded(`${PLACE.created_at} ${ID} x`)],
    ['SQL', encoded(`'; drop table jobs; -- ${ID}`)],
  ])('that is %s is refused', (_name, cursor) => {
    expect(() => parse('c', { cursor })).toThrow(expect.objectContaining({ status: 400 }));
  });

  test('with any one character changed is refused, or is a cursor of another place', () => {
    const text = writeCursor(PLACE);
    for (let index = 0; index < text.length; index++) {
      const tampered = `${text.slice(0, index)}${text[index] === 'A' ? 'B' : 'A'}${text.slice(index + 1)}`;
      const place = readCursor(tampered);
      if (place) expect(writeCursor(place)).toBe(tampered);
    }
  });
});
