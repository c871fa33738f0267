import { AwsError } from '../aws-error.ts';
import { readJson } from '../control-plane.ts';
import type { Handle } from '../front-door.ts';
import type { ApiKey, ApiKeys } from './keys.ts';
import type { ApiPlan } from './plan.ts';
import type { UsagePlan } from './usage-plan.ts';

type Call = {
  /** What stands in the path in place of each `*`. */
  readonly ids: readonly string[];
  readonly query: URLSearchParams;
  readonly body: Record<string, unknown>;
};
type Action = (call: Call) => object | undefined;

const CREATED = 201;
const ACCEPTED = 202;

/** API Gateway as operators talk to it, as far as API keys and usage plans go; undefined: the stack has no API. */
export function serveControl(plan: ApiPlan | undefined, keys: ApiKeys | undefined): Handle {
  const actions = plan && keys ? { ...keyActions(keys), ...planActions(plan, keys) } : {};
  return async (request, response) => {
    const { pathname, searchParams: query } = new URL(request.url ?? '/', 'http://local');
    const segments = pathname.split('/').slice(1).map(decodeURIComponent);
    const shape = segments.map((segment, index) => (index % 2 === 0 ? segment : '*')).join('/');
    const action = actions[`${request.method} ${shape}`];
    if (!action)
      throw new AwsError('NotFoundException', `The local system does not know ${request.method} ${pathname}`, 404);
    const ids = segments.filter((_, index) => index % 2 === 1);
    const answer = action({ ids, query, body: (await readJson(request)) as Call['body'] });
    const status = { POST: CREATED, DELETE: ACCEPTED }[request.method ?? ''] ?? 200;
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer ?? {}));
  };
}

function keyActions(keys: ApiKeys): Record<string, Action> {
  return {
    'GET apikeys': ({ query }) => ({
      item: keys
        .list()
        .filter(({ name }) => name.startsWith(query.get('name') ?? ''))
        .map((key) => keyJson(key, query.get('includeValues') === 'true')),
    }),
    'POST apikeys': ({ body }) => {
      const { name = '', value, enabled = false } = body as { name?: string; value?: string; enabled?: boolean };
      if (value !== undefined && value.length < 20) {
        throw new AwsError('BadRequestException', 'API Key value should be at least 20 characters');
      }
      if (value !== undefined && keys.byValue(value))
        throw new AwsError('ConflictException', 'API Key already exists', 409);
      return keyJson(keys.create({ name, value, enabled }), true);
    },
    'GET apikeys/*': ({ ids: [id], query }) => keyJson(known(keys, id), query.get('includeValue') === 'true'),
    'PATCH apikeys/*': ({ ids: [id], body }) => {
      const key = known(keys, id);
      for (const { op, path, value } of (body['patchOperations'] ?? []) as Patch[]) {
        if (op !== 'replace' || path !== '/enabled') {
          throw new AwsError('BadRequestException', `The local system understands replace /enabled, not ${op} ${path}`);
        }
        keys.change(key, { enabled: value === 'true' });
      }
      return keyJson(key, false);
    },
    'DELETE apikeys/*': ({ ids: [id] }) => void keys.delete(known(keys, id).id),
  };
}

type Patch = { readonly op: string; readonly path: string; readonly value?: string };

function planActions(plan: ApiPlan, keys: ApiKeys): Record<string, Action> {
  const planOf = (id: string | undefined): UsagePlan => {
    const found = plan.usagePlans.find((one) => one.id === id);
    if (!found) throw new AwsError('NotFoundException', 'Invalid Usage Plan ID specified', 404);
    return found;
  };
  const memberOf = ([planId, keyId]: readonly string[]): ApiKey => {
    const key = known(keys, keyId);
    if (key.planId !== planOf(planId).id) throw new AwsError('NotFoundException', 'Usage Plan Key not found', 404);
    return key;
  };
  return {
    'GET restapis': () => ({ item: [{ id: plan.id, name: plan.name }] }),
    'GET usageplans': ({ query }) => {
      const keyId = query.get('keyId');
      const wanted = keyId === null ? undefined : keys.get(keyId)?.planId;
      return { item: plan.usagePlans.filter(({ id }) => keyId === null || id === wanted).map(planJson) };
    },
    'GET usageplans/*': ({ ids: [id] }) => planJson(planOf(id)),
    'GET usageplans/*/keys': ({ ids: [id] }) => {
      const { id: planId } = planOf(id);
      return {
        item: keys
          .list()
          .filter((key) => key.planId === planId)
          .map(memberJson),
      };
    },
    'POST usageplans/*/keys': ({ ids: [id], body }) => {
      const { id: planId } = planOf(id);
      const key = known(keys, String(body['keyId']));
      // All our plans are of the same stage, and a key may be in one plan of a stage.
      if (key.planId)
        throw new AwsError('ConflictException', `${key.id} is in a usage plan of this stage already`, 409);
      keys.change(key, { planId });
      return memberJson(key);
    },
    'GET usageplans/*/keys/*': ({ ids }) => memberJson(memberOf(ids)),
    'DELETE usageplans/*/keys/*': ({ ids }) => keys.change(memberOf(ids), { planId: undefined }) as undefined,
  };
}

function known(keys: ApiKeys, id: string | undefined): ApiKey {
  const key = keys.get(id ?? '');
  if (!key) throw new AwsError('NotFoundException', 'Invalid API Key identifier specified', 404);
  return key;
}

function keyJson({ id, name, value, enabled, createdMs, changedMs }: ApiKey, withValue: boolean): object {
  const [createdDate, lastUpdatedDate] = [createdMs / 1_000, changedMs / 1_000];
  return { id, name, enabled, createdDate, lastUpdatedDate, ...(withValue && { value }), stageKeys: [] };
}

function memberJson({ id, name, value }: ApiKey): object {
  return { id, name, value, type: 'API_KEY' };
}

function planJson({ id, name, throttle, quota, stages }: UsagePlan): object {
  return {
    id,
    name,
    apiStages: stages,
    throttle: throttle && { rateLimit: throttle.ratePerSecond, burstLimit: throttle.burst },
    quota: quota && { limit: quota.limit, offset: 0, period: quota.period },
  };
}
