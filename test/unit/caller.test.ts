import { describe, expect, test } from '@jest/globals';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { callerOf, hashCaller, type TrustedProxy } from '../../lambdas/shared/api/caller.ts';

const PROXY: TrustedProxy = {
  addressHeader: 'x-client-address',
  secretHeader: 'x-proxy-secret',
  secret: 'a-secret-of-at-least-thirty-two-characters',
};

type Headers = Record<string, string | string[]>;

function aRequest({ apiKeyId = null as string | null, sourceIp = '192.0.2.7', headers = {} as Headers } = {}) {
  const identity = { apiKeyId, sourceIp };
  const multiValueHeaders = Object.fromEntries(
    Object.entries(headers).map(([name, values]) => [name, [values].flat()]),
  );
  return { requestContext: { identity }, multiValueHeaders } as unknown as APIGatewayProxyEvent;
}

describe('a caller', () => {
  test('is the API key by its id', () => {
    expect(callerOf(aRequest({ apiKeyId: 'abc123' }), undefined)).toBe('key:abc123');
  });

  test('is the address that the gateway saw, where there is no key', () => {
    expect(callerOf(aRequest(), undefined)).toBe('ip:192.0.2.7');
    expect(callerOf(aRequest({ sourceIp: '2001:db8:1:2:3::4' }), undefined)).toBe('ip:2001:db8:1:2::/64');
  });

  test('cannot choose its address by a header', () => {
    const headers = {
      'X-Forwarded-For': '198.51.100.1, 198.51.100.2',
      'X-Real-IP': '198.51.100.1',
      Forwarded: 'for=198.51.100.1',
      'X-Client-Address': '198.51.100.1',
    };
    expect(callerOf(aRequest({ headers }), undefined)).toBe('ip:192.0.2.7');
    expect(callerOf(aRequest({ headers }), PROXY)).toBe('ip:192.0.2.7');
  });

  test('with an address cannot pass for one with a key', () => {
    expect(callerOf(aRequest({ sourceIp: 'key:abc123' }), undefined)).toBe('ip:key:abc123');
  });

  test('that the console of API Gateway sends has a word for an address', () => {
    expect(callerOf(aRequest({ sourceIp: 'test-invoke-source-ip' }), undefined)).toBe('ip:test-invoke-source-ip');
  });
});

describe('behind a proxy of the team', () => {
  const behind = (address: string | string[], secret: string | string[] = PROXY.secret, more = {}) =>
    callerOf(aRequest({ headers: { 'X-Client-Address': address, 'X-Proxy-Secret': secret }, ...more }), PROXY);

  test.each([
    ['203.0.113.9', 'ip:203.0.113.9'],
    [' 203.0.113.9 ', 'ip:203.0.113.9'],
    ['203.0.113.9:4711', 'ip:203.0.113.9'],
    ['2001:db8:1:2:3:4:5:6', 'ip:2001:db8:1:2::/64'],
    ['2001:db8:1:2:3:4:5:6:443', 'ip:2001:db8:1:2::/64'],
    ['[2001:db8:1:2::6]:443', 'ip:2001:db8:1:2::/64'],
    ['::ffff:203.0.113.9', 'ip:203.0.113.9'],
  ])('a client at %s is %s', (address, caller) => {
    expect(behind(address)).toBe(caller);
  });

  test.each(['', 'unknown', '203.0.113.9, 192.0.2.99', 'x'.repeat(10_000), '203.0.113.9\r\nX: y'])(
    'what is no address is ignored: %j',
    (address) => {
      expect(behind(address)).toBe('ip:192.0.2.7');
    },
  );

  test.each([
    ['a wrong secret', 'wrong'],
    ['a part of it', PROXY.secret.slice(0, -1)],
    ['none', []],
    ['two, the right one among them', ['wrong', PROXY.secret]],
  ])('%s proves nothing', (_what, secret) => {
    expect(behind('203.0.113.9', secret)).toBe('ip:192.0.2.7');
  });

  test('a second address, which the client sent itself, makes both worthless', () => {
    expect(behind(['203.0.113.9', '198.51.100.1'])).toBe('ip:192.0.2.7');
  });

  test('CloudFront always adds a port, so that the client cannot choose its /64 by the rest of its address', () => {
    const proxy = { ...PROXY, addressHeader: 'cloudfront-viewer-address' };
    const seen = (address: string) =>
      callerOf(aRequest({ headers: { 'CloudFront-Viewer-Address': address, 'X-Proxy-Secret': PROXY.secret } }), proxy);
    expect(seen('2001:db8::4:5:6:7:443')).toBe('ip:2001:db8:0:0::/64');
    expect(seen('2001:db8::9:5:6:7:443')).toBe('ip:2001:db8:0:0::/64');
    expect(seen('203.0.113.9:4711')).toBe('ip:203.0.113.9');
  });

  test('an API key still counts first', () => {
    expect(behind('203.0.113.9', PROXY.secret, { apiKeyId: 'abc123' })).toBe('key:abc123');
  });

  test('no headers at all are no error', () => {
    const request = { ...aRequest(), multiValueHeaders: null } as unknown as APIGatewayProxyEvent;
    expect(callerOf(request, PROXY)).toBe('ip:192.0.2.7');
  });
});

describe('what is stored of a caller', () => {
  test('is always the same 16 bytes for one caller and one key', () => {
    expect(hashCaller('ip:192.0.2.7', 'sb_secret_one')).toBe(hashCaller('ip:192.0.2.7', 'sb_secret_one'));
    expect(Buffer.from(hashCaller('ip:192.0.2.7', 'sb_secret_one'), 'base64url')).toHaveLength(16);
  });

  test('is another for another caller, and for another key', () => {
    const hashes = [
      hashCaller('ip:192.0.2.7', 'sb_secret_one'),
      hashCaller('ip:192.0.2.8', 'sb_secret_one'),
      hashCaller('ip:192.0.2.7', 'sb_secret_two'),
    ];
    expect(new Set(hashes).size).toBe(3);
  });
});
