import {
  DeleteParameterCommand,
  GetParameterCommand,
  ParameterAlreadyExists,
  ParameterNotFound,
  PutParameterCommand,
  type SSMClient,
} from '@aws-sdk/client-ssm';
import type { Incident } from './decide.ts';

/** What a run leaves to the next. */
export interface State {
  /** Absent while there are no dead letters that Slack heard of. */
  readonly incident?: Incident;
  /** The last look: its count, and whether what it read could be recorded. */
  readonly look?: { readonly depth: number; readonly isRecorded: boolean };
  /** When this was written, ISO 8601: the newer of two copies counts. */
  readonly writtenAt: string;
}

export interface StateStore {
  /** Keeps other runs out until `until`. @returns false while another run is at work @throws when SSM does not answer */
  lock(now: Date, until: Date): Promise<boolean>;
  unlock(): Promise<void>;
  /** @throws when SSM does not answer; `remembered` may know then */
  read(): Promise<State | undefined>;
  /** What this process wrote last, whether or not SSM took it. */
  remembered(): State | undefined;
  write(state: State): Promise<void>;
}

/**
 * One SSM parameter, and a second one as a lock that only one of two runs can create. Not in the database: that it is
 * down is one of the things to speak of.
 */
export function connectStateStore(ssm: SSMClient, name: string, timeoutMs = 5_000): StateStore {
  const lockName = `${name}-lock`;
  const limit = () => ({ abortSignal: AbortSignal.timeout(timeoutMs) });
  let newest: State | undefined;

  async function readParameter(Name: string): Promise<string | undefined> {
    try {
      return (await ssm.send(new GetParameterCommand({ Name }), limit())).Parameter?.Value;
    } catch (error) {
      if (error instanceof ParameterNotFound) return undefined;
      throw error;
    }
  }
  async function create(Name: string, Value: string): Promise<boolean> {
    try {
      await ssm.send(new PutParameterCommand({ Name, Value, Type: 'String', Overwrite: false }), limit());
      return true;
    } catch (error) {
      if (error instanceof ParameterAlreadyExists) return false;
      throw error;
    }
  }
  async function remove(Name: string): Promise<void> {
    try {
      await ssm.send(new DeleteParameterCommand({ Name }), limit());
    } catch (error) {
      if (!(error instanceof ParameterNotFound)) throw error;
    }
  }

  return {
    async lock(now, until) {
      if (await create(lockName, until.toISOString())) return true;
      const heldUntil = await readParameter(lockName);
      if (heldUntil && Date.parse(heldUntil) > now.getTime()) return false;
      // Its run died: by then Lambda had ended it for certain.
      await remove(lockName);
      return create(lockName, until.toISOString());
    },
    unlock: () => remove(lockName),
    async read() {
      const text = await readParameter(name);
      const stored = text ? (JSON.parse(text) as State) : undefined;
      if (newest && (!stored || newest.writtenAt > stored.writtenAt)) return newest;
      return stored;
    },
    remembered: () => newest,
    async write(state) {
      newest = state;
      const Value = JSON.stringify(state);
      await ssm.send(new PutParameterCommand({ Name: name, Value, Type: 'String', Overwrite: true }), limit());
    },
  };
}
