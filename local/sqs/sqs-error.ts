/** An error of SQS itself: sent to the client under its name, everything else is a bug of ours. */
export class SqsError extends Error {
  readonly type: string;
  constructor(type: string, message: string) {
    super(message);
    this.type = type;
  }
}
