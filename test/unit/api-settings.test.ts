import { describe, expect, test } from '@jest/globals';
import { readSecrets, readSettings } from '../../lib/settings.ts';

const REQUIRED = { AWS_DEFAULT_REGION: 'us-east-1', SUPABASE_URL: 'https://abc.supabase.co' };
const settings = (more: Record<string, string>) => readSettings({ ...REQUIRED, ...more });
const CERTIFICATE = 'arn:aws:acm:us-east-1:123456789012:certificate/0a1b';

describe('a usage plan', () => {
  test.each(['30,300,5', ' 30 , 300 , 5 '])('is read from "%s"', (USAGE_PLAN_PRO) => {
    const plan = { ratePerSecond: 30, burst: 300, quotaPerMonth: 5 };
    expect(settings({ USAGE_PLAN_PRO }).USAGE_PLAN_PRO).toEqual(plan);
  });

  test.each(['30,300', '30,300,5,6', '0,300,5', '-1,300,5', '30;300;5', '1.5,300,5', 'many'])('is not "%s"', (text) => {
    expect(() => settings({ USAGE_PLAN_PRO: text })).toThrow(
      `USAGE_PLAN_PRO is "${text}", wanted requests per second, burst and requests per month, such as 20,200,100000`,
    );
  });

  test.each([
    ['9,200,1', undefined],
    ['8,200,1', '8 requests per second and a burst of 200, wanted at least 9 and 200'],
    ['9,199,1', '9 requests per second and a burst of 199, wanted at least 9 and 200'],
  ])('of %s leaves room for the exact limit, or is refused', (USAGE_PLAN_STARTER, problem) => {
    const read = () => settings({ USAGE_PLAN_STARTER });
    if (problem) expect(read).toThrow(`USAGE_PLAN_STARTER has ${problem}`);
    else expect(read).not.toThrow();
  });

  test('is measured by the limit that is set', () => {
    expect(() => settings({ RATE_LIMIT_REQUESTS: '101' })).toThrow('USAGE_PLAN_STARTER has');
    expect(() => settings({ RATE_LIMIT_REQUESTS: '101' })).not.toThrow('USAGE_PLAN_PRO has');
  });
});

describe('settings that belong together', () => {
  test.each([
    [{ API_DOMAIN_NAME: 'api.example.com' }, 'API_CERTIFICATE_ARN is missing, wanted both it and API_DOMAIN_NAME'],
    [{ API_CERTIFICATE_ARN: CERTIFICATE }, 'API_DOMAIN_NAME is missing, wanted both it and API_CERTIFICATE_ARN'],
    [{ PROXY_ADDRESS_HEADER: 'x-ip' }, 'PROXY_SECRET_HEADER is missing, wanted both it and PROXY_ADDRESS_HEADER'],
    [{ PROXY_SECRET_HEADER: 'x-secret' }, 'PROXY_ADDRESS_HEADER is missing, wanted both it and PROXY_SECRET_HEADER'],
  ])('%j lack one', (some, problem) => {
    expect(() => settings(some as Record<string, string>)).toThrow(problem);
  });

  test('are read when they are all there, names of headers in lower case', () => {
    const both = { API_DOMAIN_NAME: 'api.example.com', API_CERTIFICATE_ARN: CERTIFICATE };
    expect(settings({ ...both, PROXY_ADDRESS_HEADER: 'X-Ip', PROXY_SECRET_HEADER: 'X-Secret' })).toMatchObject({
      ...both,
      PROXY_ADDRESS_HEADER: 'x-ip',
      PROXY_SECRET_HEADER: 'x-secret',
    });
  });

  test('include the secret of a proxy, which goes to SSM', () => {
    const secrets = { SUPABASE_SERVICE_KEY: 'sb_secret_abc', PROXY_SECRET_HEADER: 'x-secret' };
    expect(() => readSecrets(secrets)).toThrow('PROXY_SECRET is missing');
    expect(() => readSecrets({ ...secrets, PROXY_SECRET: 'short' })).toThrow(
      'PROXY_SECRET is "sh…", wanted at least 32',
    );
    expect(readSecrets({ ...secrets, PROXY_SECRET: 'x'.repeat(32) }).PROXY_SECRET).toBe('x'.repeat(32));
  });
});

test.each([
  ['X-Forwarded-For', 'a header that only your proxy can write'],
  ['x ip', 'the name of a header'],
])('the client writes %s, so that no proxy speaks in it', (PROXY_ADDRESS_HEADER, wanted) => {
  expect(() => settings({ PROXY_ADDRESS_HEADER, PROXY_SECRET_HEADER: 'x-secret' })).toThrow(wanted);
});

test('the address and the secret of a proxy do not stand in one header', () => {
  expect(() => settings({ PROXY_ADDRESS_HEADER: 'x-ip', PROXY_SECRET_HEADER: 'X-IP' })).toThrow(
    'PROXY_ADDRESS_HEADER and PROXY_SECRET_HEADER are both "x-ip", wanted two headers',
  );
});

test('origins are read as browsers write them', () => {
  const API_CORS_ORIGINS = 'https://Shop.Example, https://example.com:443,http://localhost:80,http://localhost:5173';
  expect(settings({ API_CORS_ORIGINS }).API_CORS_ORIGINS).toEqual([
    'https://shop.example',
    'https://example.com',
    'http://localhost',
    'http://localhost:5173',
  ]);
});

test.each(['example.com', 'https://example.com/', '*', 'https://example.com/app', 'null', 'https://example.com:99999'])(
  '%s is no origin',
  (API_CORS_ORIGINS) => {
    expect(() => settings({ API_CORS_ORIGINS })).toThrow(
      'wanted origins such as https://example.com, without a slash or path at the end',
    );
  },
);

test('the limit and its window have bounds', () => {
  expect(() => settings({ RATE_LIMIT_REQUESTS: '0' })).toThrow('RATE_LIMIT_REQUESTS is "0"');
  expect(() => settings({ RATE_LIMIT_WINDOW_SECONDS: '3601' })).toThrow('wanted a whole number from 1 to 3600');
  expect(() => settings({ RATE_LIMIT_MODE: 'off' })).toThrow('wanted enforce or shadow');
  expect(() => settings({ QUEUE_API_ACCESS: 'open' })).toThrow('wanted key or public');
});
