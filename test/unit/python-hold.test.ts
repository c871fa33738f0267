import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const DIRECTORY = join(import.meta.dirname, '..', '..', 'examples', 'python-worker');

/** A hold that beats every 20 ms; `beat` and `keep` are what goes on at each beat. */
function hold(beat: string, keep: string) {
  const script = `
import itertools, json, sys, time
sys.path.insert(0, ${JSON.stringify(DIRECTORY)})
sys.dont_write_bytecode = True
from hold import Hold, Lost
numbers, kept = itertools.count(1), []
class Queuekeeper:
    def heartbeat_job(self, owner):
        number = next(numbers)
${beat}
def keep():
    kept.append(True)
${keep}
seen = "alive"
with Hold(Queuekeeper(), {"job_id": "j", "lease": 1}, keep, lambda: False, 0.02) as hold:
    try:
        hold.pause(1)
    except Lost:
        seen = "lost"
print(json.dumps({"seen": seen, "kept": len(kept)}))
`;
  const { stdout, stderr, status } = spawnSync('python3', ['-c', script], { encoding: 'utf8' });
  expect({ status, stderr }).toMatchObject({ status: 0 });
  return JSON.parse(stdout);
}

test.each(['KeyError("lease")', 'TypeError("no such argument")', 'OSError("no file left")'])(
  'a beat that fails in a way nobody foresaw, as by %s, is not the last one, and the message stays hidden',
  (error) => {
    const beat = `        if number == 1: raise ${error}\n        return "lost"`;
    expect(hold(beat, '    pass')).toEqual({ seen: 'lost', kept: 1 });
  },
);

test('a message that cannot be hidden does not end the beats', () => {
  const beat = '        return "lost" if number == 3 else "alive"';
  expect(hold(beat, '    raise RuntimeError("no connection left")')).toEqual({ seen: 'lost', kept: 2 });
});
