import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Decision, decide, type Incident, type Reading } from '../../lambdas/dlq-monitor/decide.ts';
import { ago, HOUR, MINUTE, NOW } from './dead-letter-builders.ts';

const aReading = (visible: number, rest: Partial<Reading> = {}): Reading => ({
  visible,
  inFlight: 0,
  delayed: 0,
  ...rest,
});

function anIncident(depth: number, rest: Partial<Incident> = {}): Incident {
  const at = ago(10 * MINUTE).toISOString();
  return { since: at, alertedAt: at, depth, peak: depth, emptyReadings: 0, ...rest };
}

/** Readings five minutes apart, all of them delivered. */
function say(readings: Reading[], threshold = 1): Decision['speak'][] {
  let incident: Incident | undefined;
  return readings.map((reading, index) => {
    const decision = decide(incident, reading, new Date(NOW.getTime() + index * 5 * MINUTE), threshold);
    incident = decision.incident;
    return decision.speak;
  });
}

describe('the first dead letters', () => {
  test.each([
    [1, 0, undefined],
    [1, 1, 'first'],
    [5, 4, undefined],
    [5, 5, 'first'],
  ] as const)('with a threshold of %i, %i visible says %s', (threshold, visible, speak) => {
    expect(decide(undefined, aReading(visible), NOW, threshold).speak).toBe(speak);
  });

  test('are all new, those in flight and delayed included', () => {
    expect(decide(undefined, aReading(1, { inFlight: 2, delayed: 1 }), NOW, 1)).toEqual({
      speak: 'first',
      newCount: 4,
      incident: { since: NOW.toISOString(), alertedAt: NOW.toISOString(), depth: 4, peak: 4, emptyReadings: 0 },
    });
  });

  test.each([
    ['in flight', { inFlight: 9 }],
    ['delayed', { delayed: 9 }],
  ])('that are only %s are no alert, for SQS shows some in an empty queue', (_state, rest) => {
    expect(decide(undefined, aReading(0, rest), NOW, 1)).toEqual({ newCount: 0 });
  });

  test('that Slack did not take are the first ones again', () => {
    const { unsaid } = decide(undefined, aReading(1), NOW, 1);
    expect(unsaid).toBeUndefined();
    expect(decide(unsaid, aReading(1), NOW, 1).speak).toBe('first');
  });
});

describe('growth', () => {
  test.each([
    ['as many as before', 3, undefined, undefined, 0],
    ['fewer', 2, undefined, undefined, 0],
    ['one more', 4, undefined, 'growth', 1],
    ['many more', 500, undefined, 'growth', 497],
    ['as many, one of them new', 3, 1, 'growth', 1],
    ['fewer, one of them new', 2, 1, 'growth', 1],
    ['more, none of them new: the count was wrong before', 4, 0, undefined, 0],
  ] as const)('%s', (_what, visible, newCount, speak, told) => {
    const decision = decide(anIncident(3), aReading(visible, { newCount }), NOW, 1);
    expect([decision.speak, decision.newCount]).toEqual([speak, told]);
  });

  test('is told also below the threshold, once an incident is open', () => {
    expect(decide(anIncident(1), aReading(2), NOW, 5).speak).toBe('growth');
  });

  test('counts from the lowest number since the last alert', () => {
    const declined = decide(anIncident(5), aReading(2), NOW, 1);
    expect(declined).toMatchObject({ newCount: 0, incident: { depth: 2, peak: 5 } });
    expect(decide(declined.incident, aReading(3), NOW, 1)).toMatchObject({ speak: 'growth', newCount: 1 });
  });

  test('starts the time to the reminder again', () => {
    const { incident } = decide(anIncident(1, { alertedAt: ago(3 * HOUR).toISOString() }), aReading(2), NOW, 1);
    expect(decide(incident, aReading(2), new Date(NOW.getTime() + HOUR), 1).speak).toBeUndefined();
  });

  test('that Slack did not take is told by the next run, also when others left meanwhile', () => {
    const { unsaid } = decide(anIncident(2), aReading(3, { newCount: 1 }), NOW, 1);
    expect(decide(unsaid, aReading(3), NOW, 1)).toMatchObject({ speak: 'growth', newCount: 1 });
    expect(decide(unsaid, aReading(1, { newCount: 0 }), NOW, 1)).toMatchObject({ speak: 'growth', newCount: 1 });
    expect(decide(unsaid, aReading(1), NOW, 1)).toMatchObject({ speak: 'growth', newCount: 1 });
    expect(decide(unsaid, aReading(4, { newCount: 1 }), NOW, 1)).toMatchObject({ speak: 'growth', newCount: 2 });
  });

  test('that was told at last is not told again', () => {
    const { unsaid } = decide(anIncident(2), aReading(3, { newCount: 1 }), NOW, 1);
    const { incident } = decide(unsaid, aReading(3), NOW, 1);
    expect(decide(incident, aReading(3), NOW, 1).speak).toBeUndefined();
  });
});

describe('the reminder', () => {
  test.each([
    ['just before 4 hours', 4 * HOUR - 1, undefined],
    ['at 4 hours', 4 * HOUR, 'reminder'],
  ] as const)('%s', (_when, sinceAlertMs, speak) => {
    const incident = anIncident(2, { alertedAt: ago(sinceAlertMs).toISOString() });
    const decision = decide(incident, aReading(2), NOW, 1);
    expect([decision.speak, decision.newCount]).toEqual([speak, 0]);
  });

  test('comes every 4 hours', () => {
    const incident = anIncident(2, { alertedAt: ago(4 * HOUR).toISOString() });
    const { incident: reminded } = decide(incident, aReading(2), NOW, 1);
    expect(reminded?.alertedAt).toBe(NOW.toISOString());
    expect(decide(reminded, aReading(2), new Date(NOW.getTime() + 4 * HOUR), 1).speak).toBe('reminder');
  });

  test.each([
    ['in flight', { inFlight: 1 }],
    ['delayed', { delayed: 1 }],
  ])('comes also when all that remain are %s', (_state, rest) => {
    const incident = anIncident(1, { alertedAt: ago(4 * HOUR).toISOString() });
    expect(decide(incident, aReading(0, rest), NOW, 1).speak).toBe('reminder');
  });

  test('that Slack did not take is due in the next run', () => {
    const incident = anIncident(1, { alertedAt: ago(4 * HOUR).toISOString() });
    const { unsaid } = decide(incident, aReading(1), NOW, 1);
    expect(decide(unsaid, aReading(1), NOW, 1).speak).toBe('reminder');
  });
});

describe('the all clear', () => {
  test('comes at the second empty reading in a row, and ends the incident', () => {
    const first = decide(anIncident(2), aReading(0), NOW, 1);
    expect(first).toMatchObject({ incident: { emptyReadings: 1 } });
    expect(first.speak).toBeUndefined();
    const second = decide(first.incident, aReading(0), NOW, 1);
    expect(second.speak).toBe('all_clear');
    expect(second.incident).toBeUndefined();
  });

  test.each([
    ['in flight', { inFlight: 1 }],
    ['delayed', { delayed: 1 }],
  ])('does not come while a message is %s', (_state, rest) => {
    const incident = anIncident(1, { emptyReadings: 1 });
    const decision = decide(incident, aReading(0, rest), NOW, 1);
    expect(decision.speak).toBeUndefined();
    expect(decision.incident?.emptyReadings).toBe(0);
  });

  test('does not come for dead letters that Slack never heard of', () => {
    expect(decide(undefined, aReading(0), NOW, 1)).toEqual({ newCount: 0 });
  });

  test('that Slack did not take is due in the next run', () => {
    const { unsaid } = decide(anIncident(1, { emptyReadings: 1 }), aReading(0), NOW, 1);
    expect(decide(unsaid, aReading(0), NOW, 1).speak).toBe('all_clear');
  });
});

describe('a count that flaps', () => {
  test('0-1-0 gives one alert and one all clear', () => {
    expect(say([0, 1, 0, 0, 0].map((visible) => aReading(visible)))).toEqual([
      undefined,
      'first',
      undefined,
      'all_clear',
      undefined,
    ]);
  });

  test('1-0-1 within an incident says nothing when the message is the same', () => {
    const readings = [aReading(1), aReading(0), aReading(1, { newCount: 0 })];
    expect(say(readings)).toEqual(['first', undefined, undefined]);
  });

  test.each([
    ['is another', 1],
    ['cannot be told from the first', undefined],
  ])('1-0-1 within an incident says growth when the message %s', (_what, newCount) => {
    expect(say([aReading(1), aReading(0), aReading(1, { newCount })])).toEqual(['first', undefined, 'growth']);
  });

  test('1-0-1-0-0 needs two empty readings in a row for the all clear', () => {
    const readings = [aReading(1), aReading(0), aReading(1, { newCount: 0 }), aReading(0), aReading(0)];
    expect(say(readings)).toEqual(['first', undefined, undefined, undefined, 'all_clear']);
  });
});

describe('over any history', () => {
  const step = fc.record({
    arrive: fc.nat({ max: 3 }),
    leave: fc.nat({ max: 4 }),
    hide: fc.nat({ max: 2 }),
    minutes: fc.integer({ min: 1, max: 300 }),
    isKnown: fc.boolean(),
    isDelivered: fc.boolean(),
  });
  const history = fc.record({ threshold: fc.integer({ min: 1, max: 3 }), steps: fc.array(step, { maxLength: 40 }) });

  /** What Slack got and what was in the queue, at each reading. */
  function replay({ threshold, steps }: typeof history extends fc.Arbitrary<infer T> ? T : never) {
    let [time, incident, nextId] = [NOW.getTime(), undefined as Incident | undefined, 0];
    let letters: { id: number; arrivedAt: number }[] = [];
    const recorded = new Set<number>();
    let wasKnown = true;
    return steps.map(({ arrive, leave, hide, minutes, isKnown, isDelivered }) => {
      time += minutes * MINUTE;
      // What is new is known only where this look and the one before saw and recorded all.
      const isCounted = isKnown && wasKnown;
      wasKnown = isKnown;
      // Without that, a letter that takes another's place in the same step cannot be seen.
      const left = isCounted || arrive === 0 ? leave : 0;
      letters = letters.slice(left).concat(Array.from({ length: arrive }, () => ({ id: nextId++, arrivedAt: time })));
      const hidden = Math.min(hide, letters.length);
      const newCount = isCounted ? letters.filter(({ id }) => !recorded.has(id)).length : undefined;
      if (isKnown) for (const { id } of letters) recorded.add(id);
      const reading = { visible: letters.length - hidden, inFlight: hidden, delayed: 0, newCount };
      const before = incident;
      const decision = decide(incident, reading, new Date(time), threshold);
      const said = isDelivered ? decision.speak : undefined;
      incident = decision.speak && !isDelivered ? decision.unsaid : decision.incident;
      return { time, letters, reading, said, before, isDelivered, changed: arrive + left > 0 };
    });
  }

  test('an all clear follows only an alert that was delivered', () => {
    fc.assert(
      fc.property(history, (given) => {
        let isAlerted = false;
        for (const { said } of replay(given)) {
          if (said === 'all_clear') expect(isAlerted).toBe(true);
          if (said) isAlerted = said !== 'all_clear';
        }
      }),
    );
  });

  test('no dead letter goes unseen: Slack hears of each at or after it came, as soon as it takes messages', () => {
    fc.assert(
      fc.property(history, (given) => {
        let alertedAt = Number.NEGATIVE_INFINITY;
        for (const { time, letters, reading, said, before, isDelivered } of replay(given)) {
          if (said && said !== 'all_clear') alertedAt = time;
          const isDue = reading.visible >= given.threshold || (before && letters.length > 0);
          if (!isDelivered || !isDue) continue;
          for (const { arrivedAt } of letters) expect(alertedAt).toBeGreaterThanOrEqual(arrivedAt);
        }
      }),
    );
  });

  test('no alert repeats another within 4 hours when nothing has changed', () => {
    fc.assert(
      fc.property(history, (given) => {
        let last: { time: number } | undefined;
        for (const { time, said, changed } of replay(given)) {
          if (changed) last = undefined;
          if (!said || said === 'all_clear') continue;
          if (last) expect(time - last.time).toBeGreaterThanOrEqual(4 * HOUR);
          last = { time };
        }
      }),
    );
  });
});
