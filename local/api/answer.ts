/** What goes back to the client. Header names are in lower case. */
export type Answer = {
  readonly status: number;
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly body: Buffer;
};
