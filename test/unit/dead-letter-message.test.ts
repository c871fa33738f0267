import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { allClear, deadLetterAlert } from '../../lambdas/dlq-monitor/message.ts';
import { expectSlackTakes } from './block-kit.ts';
import { aDeadLetter, ago, anAlert, anAllClear, DAY, HOUR, MINUTE } from './dead-letter-builders.ts';
import { expectGolden } from './golden.ts';
import { hostileText } from './hostile-text.ts';

const TWO_CAUSES = [
  ...Array.from({ length: 5 }, (_, index) =>
    aDeadLetter({
      messageId: `0f1b2c3d-0000-4000-8000-00000000000${index}`,
      jobId: `7c9e6679-7425-40de-944b-e07fc1f90ae${index}`,
      reason: `Timeout after ${30_000 + index} ms waiting for "#submit" on https://directory.example/add?id=${index}`,
      sentAt: ago((2 + index) * HOUR),
      firstSeenAt: ago((4 + index) * MINUTE),
    }),
  ),
  aDeadLetter({ jobType: 'profile_update', reason: 'HTTP 403 from directory.example', customerId: 'cust_0815' }),
  aDeadLetter({ jobType: undefined, jobId: undefined, customerId: undefined, reason: undefined }),
];

const ALERTS = {
  'dead-letters-first': anAlert(),
  'dead-letters-growth': anAlert({
    kind: 'growth',
    depth: { visible: 10, inFlight: 2, delayed: 0 },
    newCount: 4,
    deadLetters: TWO_CAUSES,
    since: ago(3 * HOUR),
  }),
  'dead-letters-reminder': anAlert({
    kind: 'reminder',
    newCount: 0,
    deadLetters: [aDeadLetter({ sentAt: ago(12 * DAY), firstSeenAt: ago(11 * DAY) })],
    since: ago(11 * DAY),
  }),
  'dead-letters-unknown': anAlert({
    depth: { visible: 3, inFlight: 0, delayed: 0 },
    newCount: undefined,
    deadLetters: [],
    unknown: ['messages', 'state', 'database'],
  }),
};

const ALL_CLEARS = {
  'all-clear-redriven': anAllClear(),
  'all-clear-mixed': anAllClear({ cleared: { redriven: 9, deleted: 2, expired: [], unknown: 1 } }),
  'all-clear-expired': anAllClear({
    cleared: { redriven: 1, deleted: 0, expired: [aDeadLetter({ sentAt: ago(15 * DAY) })], unknown: 0 },
    since: ago(14 * DAY),
  }),
};

describe('each kind of message is what a person has read, and Slack takes it', () => {
  test.each(Object.entries(ALERTS))('%s', (name, alert) => {
    const message = deadLetterAlert(alert);
    expectSlackTakes(message);
    expectGolden(name, message);
  });

  test.each(Object.entries(ALL_CLEARS))('%s', (name, clear) => {
    const message = allClear(clear);
    expectSlackTakes(message);
    expectGolden(name, message);
  });
});

describe('the alert', () => {
  test('counts visible, in flight and delayed messages in its title', () => {
    const { blocks } = deadLetterAlert(anAlert({ depth: { visible: 3_000, inFlight: 20, delayed: 1 } }));
    expect(blocks[0]).toMatchObject({ text: { text: '🚨 Dead Letter Queue Alert - 3021 failed job(s)' } });
  });

  test('shows five messages and three causes of three thousand, and says how many it left out', () => {
    const deadLetters = Array.from({ length: 3_000 }, (_, index) =>
      aDeadLetter({ jobId: `job-${index}`, reason: `failed at step ${String.fromCharCode(97 + (index % 4))}` }),
    );
    const text = JSON.stringify(
      deadLetterAlert(anAlert({ depth: { visible: 3_000, inFlight: 0, delayed: 0 }, deadLetters })),
    );
    expect(text.match(/• job/g)).toHaveLength(5);
    expect(text).toContain('… and 2995 more in the queue');
    expect(text.match(/• \*750 ×\*/g)).toHaveLength(3);
    expect(text).toContain('… and 1 more cause');
  });

  test.each([
    [7 * DAY - 1, 'no word of expiry', /oldest/],
    [7 * DAY, 'half', /used half of its time/],
    [11.2 * DAY, '80 %', /used 80 % of its time/],
    [13.3 * DAY, '95 %', /Act now: the oldest is deleted in 16 h 48 min/],
  ])('after %d ms of 14 days speaks of: %s', (age, _, wording) => {
    const text = JSON.stringify(deadLetterAlert(anAlert({ deadLetters: [aDeadLetter({ sentAt: ago(age) })] })));
    expect(wording.test(text)).toBe(age >= 7 * DAY);
  });

  test('keeps the redrive command exactly as it is, to copy', () => {
    expect(JSON.stringify(deadLetterAlert(anAlert()))).toContain(`\`\`\`${anAlert().redriveCommand}\`\`\``);
  });

  test('never shows an e-mail address, a token or a key, wherever it stands', () => {
    const secrets = [
      'jane.doe@example.com',
      'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl',
      'sb_secret_abc123DEF',
      'hunter22',
    ];
    const reason = `${secrets.slice(0, 3).join(' ')} postgres://bob:hunter22@db.example/x`;
    const deadLetter = aDeadLetter({ reason, customerId: secrets[0], jobId: secrets[2], jobType: secrets[1] });
    const text = JSON.stringify(deadLetterAlert(anAlert({ deadLetters: [deadLetter] })));
    for (const secret of secrets) expect(text).not.toContain(secret);
  });

  test('shows no member of a dead letter that is not on the list, such as its body', () => {
    const withBody = { ...aDeadLetter(), body: 'the whole body', attributes: { name: 'the whole body' } };
    expect(JSON.stringify(deadLetterAlert(anAlert({ deadLetters: [withBody] })))).not.toContain('the whole body');
  });
});

test('whatever a job puts in its values, Slack takes the message and nobody is pinged', () => {
  const deadLetter = fc.record({
    jobId: hostileText,
    customerId: hostileText,
    jobType: hostileText,
    reason: hostileText,
  });
  fc.assert(
    fc.property(fc.array(deadLetter, { maxLength: 8 }), hostileText, (values, name) => {
      const deadLetters = values.map(aDeadLetter);
      const queue = { ...anAlert().queue, name };
      const expired = { redriven: 0, deleted: 0, expired: deadLetters, unknown: 0 };
      for (const message of [
        deadLetterAlert(anAlert({ deadLetters, queue })),
        allClear(anAllClear({ cleared: expired, queue })),
      ]) {
        expectSlackTakes(message);
        expect(JSON.stringify(message)).not.toMatch(/<[!@#](?!date\^)|<https?:\/\/evil/);
      }
    }),
    { numRuns: 100 },
  );
});
