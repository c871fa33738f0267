import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { groupCauses, normaliseReason } from '../../lambdas/dlq-monitor/fingerprint.ts';
import { redact } from '../../lambdas/shared/redact.ts';
import { aDeadLetter, ago, HOUR } from './dead-letter-builders.ts';

describe('normaliseReason', () => {
  test.each([
    ['Timeout after 30000 ms', 'Timeout after <n> ms'],
    ['took 1,234.5 s', 'took <n> s'],
    ['job 7c9e6679-7425-40de-944b-e07fc1f90ae7 is gone', 'job <id> is gone'],
    ['bad address 0xDEADBEEF at deadbeef01', 'bad address <hex> at <hex>'],
    ['defaced facade', 'defaced facade'],
    ['order 123456789012 failed', 'order <n> failed'],
    ['no element "#submit" in \'form 1\'', 'no element <text> in <text>'],
    ["can't reach the customer's page", "can't reach the customer's page"],
    ['GET https://a.example/x?id=1&b=2 gave 500', 'GET <url> gave <n>'],
    ['no account for jane.doe@example.com', 'no account for <e-mail>'],
    ['failed at 2026-11-24T15:00:00.123Z', 'failed at <time>'],
    ['  first line\n  at stack (file.js:1:2)', 'first line'],
    ['', ''],
  ])('%j becomes %j', (reason, expected) => {
    expect(normaliseReason(reason)).toBe(expected);
  });

  test('gives two occurrences of one failure the same text', () => {
    const failure = (id: string, ms: number) => `Job ${id}: timeout after ${ms} ms on https://d.example/${ms}`;
    expect(normaliseReason(failure('7c9e6679-7425-40de-944b-e07fc1f90ae7', 30_000))).toBe(
      normaliseReason(failure('00000000-0000-4000-8000-000000000000', 29_999)),
    );
  });

  test('takes a reason of any size in a moment, and answers with one short line', () => {
    fc.assert(
      fc.property(fc.constantFrom('a', '"', "'", 'a@', '<', '1', 'f', 'eyJ', 'a://b:', 'x.', ' '), (unit) => {
        const started = performance.now();
        const normalised = normaliseReason(unit.repeat(1_000_000 / unit.length));
        expect(performance.now() - started).toBeLessThan(500);
        expect(normalised.length).toBeLessThanOrEqual(160);
      }),
    );
  });
});

describe('redact', () => {
  test.each([
    ['mail jane.doe+x@mail.example.com now', 'mail [e-mail] now'],
    ['key sb_secret_Abc-123', 'key [key]'],
    ['jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-_1 end', 'jwt [token] end'],
    ['postgres://bob:hunter2@db.example:5432/x', 'postgres://[credentials]@db.example:5432/x'],
    ['POST https://hooks.slack.com/services/T0/B0/x failed', 'POST [webhook] failed'],
    ['Authorization: Bearer abcdef123456', 'Authorization: Bearer [token]'],
    ['password=hunter2 user=bob', 'password=[secret] user=bob'],
    ['AKIAIOSFODNN7EXAMPLE', '[key]'],
    ['nothing to hide @ all', 'nothing to hide @ all'],
  ])('%j becomes %j', (text, expected) => {
    expect(redact(text)).toBe(expected);
  });

  test.each([
    [
      'JSON without a space',
      JSON.stringify({ error: 'HTTP_503', context: 'x'.repeat(1_950), password: 'hunter2'.repeat(99) }),
    ],
    ['one word', 'x'.repeat(3_000)],
  ])('leaves something of %s that is too long, and no half of a secret', (_, text) => {
    const shown = redact(text);
    expect(shown).toMatch(/^\{"error":"HTTP_503"|^\[too long to show\]$/);
    expect(shown).not.toContain('hunter2');
  });

  test('does not leave half a secret at the place where it cuts', () => {
    const text = `${'x '.repeat(995)}jane.doe@example.com`;
    expect(redact(text)).not.toContain('jane');
  });
});

describe('groupCauses', () => {
  test('groups by job type and normalised reason, the most frequent first, with first and last seen', () => {
    const causes = groupCauses([
      aDeadLetter({ jobType: 'a', reason: 'rare', firstSeenAt: ago(HOUR) }),
      aDeadLetter({ jobType: 'a', reason: 'timeout after 1 ms', firstSeenAt: ago(3 * HOUR) }),
      aDeadLetter({ jobType: 'a', reason: 'timeout after 2 ms', firstSeenAt: ago(2 * HOUR) }),
      aDeadLetter({ jobType: 'b', reason: 'timeout after 3 ms', firstSeenAt: ago(2 * HOUR) }),
    ]);
    expect(causes.map(({ jobType, reason, count }) => [jobType, reason, count])).toEqual([
      ['a', 'timeout after <n> ms', 2],
      ['a', 'rare', 1],
      ['b', 'timeout after <n> ms', 1],
    ]);
    expect(causes[0]).toMatchObject({ firstSeenAt: ago(3 * HOUR), lastSeenAt: ago(2 * HOUR) });
  });
});
