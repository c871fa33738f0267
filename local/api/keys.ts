import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import type { ApiPlan } from './plan.ts';

export type ApiKey = {
  readonly id: string;
  readonly name: string;
  readonly value: string;
  enabled: boolean;
  /** The usage plan that it is in. */
  planId?: string;
  readonly createdMs: number;
  changedMs: number;
};

export type ApiKeysOptions = {
  readonly plan: ApiPlan;
  /** Where keys are kept between starts. @default nowhere */
  readonly file?: string;
  readonly now?: () => number;
};

/** The keys of the API: the template's, with values that AWS would have made up, and those that were made since. */
export function createApiKeys({ plan, file, now = Date.now }: ApiKeysOptions) {
  const keys = new Map<string, ApiKey>(readKeys(file).map((key) => [key.id, key]));

  function create({ name, value = randomText(40), enabled = true, id = randomText(10).toLowerCase() }: NewKey): ApiKey {
    const key: ApiKey = { id, name, value, enabled, createdMs: now(), changedMs: now() };
    keys.set(id, key);
    return key;
  }

  function save(): void {
    if (file) writeFileSync(file, JSON.stringify([...keys.values()]), { mode: 0o600 });
  }

  for (const planned of plan.keys) if (!keys.has(planned.id)) create(planned);
  for (const { keyId, planId } of plan.members) {
    const key = keys.get(keyId);
    if (!key) throw new Error(`The usage plan ${planId} has the key ${keyId}, which is not in the template`);
    key.planId ??= planId;
  }
  save();

  return {
    list: (): ApiKey[] => [...keys.values()],
    get: (id: string): ApiKey | undefined => keys.get(id),
    byValue: (value: string): ApiKey | undefined => [...keys.values()].find((key) => key.value === value),
    create(key: NewKey): ApiKey {
      const created = create(key);
      save();
      return created;
    },
    change(key: ApiKey, changes: Partial<Pick<ApiKey, 'enabled' | 'planId'>>): void {
      Object.assign(key, changes, { changedMs: now() });
      save();
    },
    delete(id: string): boolean {
      const isGone = keys.delete(id);
      save();
      return isGone;
    },
  };
}

export type ApiKeys = ReturnType<typeof createApiKeys>;

export type NewKey = {
  readonly name: string;
  readonly value?: string;
  readonly enabled?: boolean;
  readonly id?: string;
};

function readKeys(file: string | undefined): ApiKey[] {
  if (!file) return [];
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return [];
  }
}

/** Letters and digits only, so that a key survives every shell. */
function randomText(length: number): string {
  return randomBytes(4 * length)
    .toString('base64')
    .replace(/[^a-z0-9]/gi, '')
    .slice(0, length);
}
