import { randomUUID } from 'node:crypto';
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
  readonly look?: LastLook;
  /** When this was written, ISO 8601: the newer of two copies counts. */
  readonly writtenAt: string;
}

/** The last look at the messages: what SQS counted then, and how far it got. */
export interface LastLook {
  readonly depth: number;
  readonly visible: number;
  /** Messages that redrives had moved out since the incident began. */
  readonly redriven: number;
  /** What was read could be recorded. */
  readonly isRecorded: boolean;
  /** All was read and recorded, so that what is new to the database at the next look is news. */
  readonly isWhole: boolean;
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
      const lock = `${until.toISOString()} ${randomUUID()}`;
      if (await create(lockName, lock)) return true;
      const held = await readParameter(lockName);
      if (held === lock) return true; // SSM had taken it, but its first answer was lost and the SDK asked again
      if (held && Date.parse(held.split(' ')[0] ?? '') > now.getTime()) return false;
      // Its run died: by then Lambda had ended it for certain.
      await remove(lockName);
      return create(lockName, lock);
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
