/**
 * What Lambda's runtime does inside the function's process: load the handler, run it for each event, report the
 * outcome. The process ends when its parent does, by the closing of the channel between them.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

export type Invocation = {
  readonly requestId: string;
  readonly event: unknown;
  readonly deadlineMs: number;
  readonly functionArn: string;
};
export type Outcome =
  | { readonly ok: true; readonly value: unknown }
  | {
      readonly ok: false;
      readonly errorType: string;
      readonly errorMessage: string;
      readonly stackTrace?: readonly string[];
    };
export type Report = { readonly requestId: string; readonly outcome: Outcome };

/** Printed on both streams after an invocation: all lines before it belong to it. */
export const END_OF_LOGS = '\u0000end of invocation ';

type Handler = (event: unknown, context: object) => unknown;

let loading: Promise<Handler> | undefined;

if (process.send) {
  process.on('message', (invocation: Invocation) => void answer(invocation));
  process.on('disconnect', () => process.exit());
  // Loading starts before the first event, as on Lambda; a failure is reported by the first invocation.
  loading = loadHandler(process.argv[2] ?? '', process.argv[3] ?? '');
  loading.catch(() => {});
}

async function answer(invocation: Invocation): Promise<void> {
  const outcome = await run(invocation);
  for (const stream of [process.stdout, process.stderr]) stream.write(`${END_OF_LOGS}${invocation.requestId}\n`);
  process.send?.({ requestId: invocation.requestId, outcome } satisfies Report);
}

async function run(invocation: Invocation): Promise<Outcome> {
  try {
    const handler = await loading;
    // The answer is what survives JSON, as on Lambda: undefined becomes null.
    return { ok: true, value: (await handler?.(invocation.event, contextOf(invocation))) ?? null };
  } catch (error) {
    const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
    return { ok: false, errorType: name, errorMessage: message, stackTrace: stack?.split('\n') };
  }
}

async function loadHandler(directory: string, handler: string): Promise<Handler> {
  const [file = '', name = ''] = handler.split('.');
  const path = ['.mjs', '.js', '.cjs'].map((ending) => join(directory, file + ending)).find(existsSync);
  if (!path) throw new Error(`Runtime.ImportModuleError: cannot find module '${file}' in ${directory}`);
  const module = await import(path);
  if (typeof module[name] === 'function') return module[name];
  throw new Error(`Runtime.HandlerNotFound: ${handler} is undefined or not exported`);
}

function contextOf({ requestId, deadlineMs, functionArn }: Invocation): object {
  const { AWS_LAMBDA_FUNCTION_NAME, AWS_LAMBDA_FUNCTION_VERSION, AWS_LAMBDA_FUNCTION_MEMORY_SIZE } = process.env;
  return {
    awsRequestId: requestId,
    functionName: AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    invokedFunctionArn: functionArn,
    logGroupName: process.env['AWS_LAMBDA_LOG_GROUP_NAME'],
    logStreamName: process.env['AWS_LAMBDA_LOG_STREAM_NAME'],
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(0, deadlineMs - Date.now()),
  };
}
