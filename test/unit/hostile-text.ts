import fc from 'fast-check';

/** What a job's values may hold when someone means harm, or by accident: pings, forged links, half emoji, length. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    '<!channel> <!here> @everyone <@U012AB3CD> <#C024BE7LR>',
    '<https://evil.example|https://console.aws.amazon.com>',
    '&lt;!channel&gt; &amp; &',
    '```\n*bold* `code` _it_ ~no~ > quote',
    '|pipe|<a|b>',
    '👩‍👩‍👧‍👦'.repeat(400),
    '&'.repeat(5_000),
    '<'.repeat(5_000),
    '`'.repeat(5_000),
    'word '.repeat(5_000),
    '\u0000\u0007\u001b[31m\u202eevil\u2066\r\n\t',
    '\ud800 half \udc00',
    ' ',
    '',
  ),
  fc.string({ unit: 'binary', maxLength: 400 }),
);
