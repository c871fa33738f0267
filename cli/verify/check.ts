import type { Context } from '../context.ts';
import type { HealthAnswer } from '../health-answer.ts';
import type { Tell } from '../progress.ts';

/** One line of the product's acceptance list. */
export interface Check {
  readonly name: string;
  /** Checks without which this one cannot even be tried. */
  readonly needs?: readonly string[];
  /** Checks whose failure may be all that is behind a failure of this one: then it is not blamed. */
  readonly follows?: readonly string[];
  /**
   * @returns what was seen, in a few words
   * @throws Fault, NotChecked, or whatever stood in the way
   */
  run(run: CheckRun): Promise<string>;
}

export interface CheckRun {
  readonly context: Context;
  /** What the progress line says. */
  readonly tell: Tell;
  /** Ctrl-C: stop waiting, put everything back, return. */
  readonly signal: AbortSignal;
  /** The one request to GET /api/health that two checks look at. */
  readonly firstHealth: () => Promise<HealthAnswer>;
  /** When the verification began. */
  readonly startedAt: Date;
}

/** Something is wrong, and this is what to do about it. */
export class Fault extends Error {
  readonly toDo: string;
  /** A line each. */
  readonly details?: readonly string[];

  constructor(message: string, toDo: string, options: ErrorOptions & Pick<Fault, 'details'> = {}) {
    super(message, options);
    this.toDo = toDo;
    this.details = options.details;
  }
}

/** It cannot be said whether something is wrong. */
export class NotChecked extends Error {}

export interface Finding {
  readonly name: string;
  readonly outcome: 'passed' | 'failed' | 'not checked';
  readonly what: string;
  readonly details?: readonly string[];
  readonly to_do?: string;
}
