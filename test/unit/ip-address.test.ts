import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { addressBucket } from '../../lambdas/shared/api/ip-address.ts';

describe('an IPv4 address', () => {
  test.each(['192.0.2.7', '0.0.0.0', '255.255.255.255'])('%s counts as itself', (address) => {
    expect(addressBucket(address)).toBe(address);
  });

  test.each([
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::FFFF:192.0.2.7', '192.0.2.7'],
    ['::ffff:c000:207', '192.0.2.7'],
    ['::ffff:c000:0207', '192.0.2.7'],
    ['0:0:0:0:0:ffff:192.0.2.7', '192.0.2.7'],
    ['0:0:0:0:0:ffff:c000:207', '192.0.2.7'],
    ['0000:0000:0000:0000:0000:ffff:c000:0207', '192.0.2.7'],
    ['::0:ffff:192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7%eth0', '192.0.2.7'],
    ['::ffff:0.0.0.0', '0.0.0.0'],
    ['::ffff:255.255.255.255', '255.255.255.255'],
  ])('that is written as the IPv6 address %s counts as %s', (address, bucket) => {
    expect(addressBucket(address)).toBe(bucket);
  });

  test('and another one are two callers, however both are written', () => {
    expect(addressBucket('::ffff:192.0.2.7')).not.toBe(addressBucket('::ffff:192.0.2.8'));
  });
});

describe('an IPv6 address', () => {
  test.each([
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2:ffff:FFFF:ffff:ffff', '2001:db8:1:2::/64'],
    ['2001:0db8:0001:0002::', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::7', '2001:db8:1:2::/64'],
    ['2001:db8::1.2.3.4', '2001:db8:0:0::/64'],
    ['2001:db8:1:2:3:4:1.2.3.4', '2001:db8:1:2::/64'],
    ['2001:db8::', '2001:db8:0:0::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8:0:0:1::', '2001:db8:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::1.2.3.4', '0:0:0:0::/64'], // IPv4-compatible, long abandoned: no IPv4
    ['::fffe:192.0.2.7', '0:0:0:0::/64'],
    ['::ffff:0:192.0.2.7', '0:0:0:0::/64'], // IPv4-translated: no mapped one
    ['64:ff9b::192.0.2.7', '64:ff9b:0:0::/64'],
    ['ffff::192.0.2.7', 'ffff:0:0:0::/64'],
    ['1::ffff:192.0.2.7', '1:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['fe80::1%1', 'fe80:0:0:0::/64'],
  ])('%s counts as %s', (address, bucket) => {
    expect(addressBucket(address)).toBe(bucket);
  });

  test('counts by its first 64 bits, whichever notation it comes in', () => {
    const groups = fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(groups, (numbers) => {
        const long = numbers.map((number) => number.toString(16).padStart(4, '0').toUpperCase()).join(':');
        // URL's own parser writes an address in its shortest form.
        const short = new URL(`http://[${long}]`).hostname.slice(1, -1);
        const prefix = numbers.slice(0, 4).map((number) => number.toString(16));
        const isMapped = numbers.slice(0, 6).join() === '0,0,0,0,0,65535';
        fc.pre(!isMapped);
        expect(addressBucket(long)).toBe(`${prefix.join(':')}::/64`);
        expect(addressBucket(short)).toBe(addressBucket(long));
      }),
    );
  });
});

test.each([
  '',
  ' ',
  'localhost',
  '1.2.3',
  '1.2.3.256',
  '01.2.3.4',
  '1.2.3.4:80',
  '[::1]',
  ':::',
  '1::2::3',
  '::ffff:1.2.3',
  '%eth0',
  '12345::',
  '1.2.3.4, 5.6.7.8',
  '1.2.3.4\n',
])('"%s" is no address', (text) => {
  expect(addressBucket(text)).toBeUndefined();
});
