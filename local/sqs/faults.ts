/** Faults of SQS on command, for tests: entries of a batch refused, an action refused, the service gone. */

export type Refusal =
  /** These entries of a batch fail, the others go through. */
  | { readonly entries: readonly string[] }
  /** The whole request fails. */
  | { readonly status: number; readonly type: string; readonly message: string }
  /** The request is carried out, and the connection drops before the answer. */
  | 'drop-answer';

/** Asked before each action; undefined lets it pass. May wait, to hold a request back. */
export type Refuse = (action: string, body: SqsBody) => Refusal | undefined | Promise<Refusal | undefined>;

export type SqsBody = Record<string, unknown> & { Entries?: { Id: string }[] };

/** Takes the refused entries out of the request, and answers what SQS would say about them. */
export function withholdEntries(body: SqsBody, ids: readonly string[]): object[] {
  const refused = (body.Entries ?? []).filter(({ Id }) => ids.includes(Id));
  body.Entries = (body.Entries ?? []).filter(({ Id }) => !ids.includes(Id));
  return refused.map(({ Id }) => ({ Id, SenderFault: false, Code: 'InternalError', Message: 'Refused for a test.' }));
}
