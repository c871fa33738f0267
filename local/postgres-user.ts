import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

export type SystemUser = { readonly name: string; readonly uid: number; readonly gid: number };

const OTHERS_MAY_ENTER = 0o001;

/**
 * Postgres refuses to run as root. In a container, where everything is root, it runs as `postgres`, or as
 * `nobody`, which every system has; no user is added to the machine. Undefined means: run as who we are.
 */
export async function unprivilegedUser(): Promise<SystemUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  const found = ['postgres', 'nobody'].map((name) => lines.find(([user]) => user === name)).find(Boolean);
  if (!found) throw new Error('Postgres refuses to run as root. Run this as an ordinary user, or: useradd postgres');
  return { name: String(found[0]), uid: Number(found[2]), gid: Number(found[3]) };
}

/** Throws when a directory on the way to `path` is closed to `user`: the spawn would only say EACCES. */
export async function assertReachable(path: string, user: SystemUser): Promise<void> {
  for (let directory = dirname(path); directory !== '/'; directory = dirname(directory)) {
    const { mode, uid } = await stat(directory);
    if (uid === user.uid || mode & OTHERS_MAY_ENTER) continue;
    throw new Error(
      `Postgres refuses to run as root, and user ${user.name} cannot enter ${directory} to reach ${path}. ` +
        `Run this as an ordinary user, or: chmod o+x ${directory}`,
    );
  }
}
