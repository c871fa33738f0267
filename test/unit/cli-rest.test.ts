import { expect, test } from '@jest/globals';
import { explainError } from '../../cli/explain-error.ts';
import { connectRest } from '../../cli/rest.ts';

test.each(['eyJhbGciOi.c2VjcmV0\nc2lnbmF0dXJl', 'sb_secret_c2VjcmV0…', 'sb_secret_c2VjcmV0 x'])(
  'a key that cannot be sent is refused, and not shown: %j',
  async (key) => {
    const message = await connectRest('http://127.0.0.1:1', key)
      .ask('/')
      .catch((error: unknown) => explainError(error));
    expect(message).toBe('the key holds characters that no key has: copy it again');
  },
);
