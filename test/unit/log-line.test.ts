import { describe, expect, it } from '@jest/globals';
import { readableLine } from '../../local/log-line.ts';

const NOON = new Date(2026, 0, 1, 12, 0, 0);
const shown = (line: string | object) =>
  readableLine('monitor', typeof line === 'string' ? line : JSON.stringify(line), NOON);

describe('a log line in the terminal', () => {
  it('is the message and its own details, without what is on every line', () => {
    const line = {
      level: 'INFO',
      message: 'Found 2 stale jobs',
      timestamp: 'x',
      service: 's',
      cold_start: true,
      count: 2,
    };
    expect(shown(line)).toBe('12:00:00  monitor  Found 2 stale jobs  count=2');
  });

  it('leaves out what says that nothing happened', () => {
    const line = {
      level: 'INFO',
      message: 'Done',
      recovered: 2,
      failed: 0,
      problems: [],
      health: { stale: 0 },
      open: false,
    };
    expect(shown(line)).toBe('12:00:00  monitor  Done  recovered=2');
    expect(shown({ ...line, health: { stale: 0, running: 3 } })).toBe(
      '12:00:00  monitor  Done  recovered=2  health={"running":3}',
    );
  });

  it('names the level when it is more than news', () => {
    expect(shown({ level: 'ERROR', message: 'No', error: { name: 'E' } })).toBe(
      '12:00:00  monitor  ERROR No  error={"name":"E"}',
    );
  });

  it('is left out when it is a metric, and kept as it is when it is not JSON', () => {
    expect(shown({ _aws: {}, JobsRecovered: 1 })).toBeUndefined();
    expect(shown('plain')).toBe('12:00:00  monitor  plain');
  });
});
