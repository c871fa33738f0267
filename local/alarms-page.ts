import type { AlarmState } from './alarm-plan.ts';
import type { Alarms } from './alarms.ts';
import type { Handle } from './front-door.ts';

const STATES: readonly string[] = ['ALARM', 'OK', 'INSUFFICIENT_DATA'] satisfies AlarmState[];
const WANTED = `wanted {"state": ${STATES.map((state) => `"${state}"`).join(' | ')}, "reason"?: text}`;

/** Serves `GET /alarms`, all with their states, and `POST /alarms/<name>`, which changes one as its metric would. */
export function serveAlarms(alarms: Alarms): Handle {
  return async (request, response) => {
    const answer = (status: number, json: unknown) =>
      response
        .writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' })
        .end(`${JSON.stringify(json, null, 2)}\n`);
    const name = decodeURIComponent(new URL(request.url ?? '', 'http://local').pathname.slice('/alarms/'.length));
    if (request.method === 'GET' && name === '')
      return answer(
        200,
        alarms.list().map(({ properties: _, ...alarm }) => alarm),
      );
    if (request.method !== 'POST') return answer(405, { message: 'wanted GET /alarms or POST /alarms/<name>' });

    const { state, reason } = parse(Buffer.concat(await request.toArray()).toString());
    if (!isState(state)) return answer(400, { message: WANTED });
    const told = alarms.set(name, state, reason ?? 'Set by hand on this machine');
    if (!told) return answer(404, { message: `There is no alarm ${name}; GET /alarms lists them` });
    return answer(200, { name, state, told });
  };
}

function isState(value: unknown): value is AlarmState {
  return STATES.includes(String(value));
}

function parse(body: string): { state?: unknown; reason?: string } {
  try {
    return Object(JSON.parse(body));
  } catch {
    return {};
  }
}
