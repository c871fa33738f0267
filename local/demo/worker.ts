/**
 * A worker as a customer of Queuekeeper would write one, in its own process: messages from SQS, the worker functions
 * over REST, a sign of life each second. Its work is pretended, its deaths are not.
 */
import { DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { PostgrestClient } from '@supabase/postgrest-js';

/** What a worker tells its fleet. */
export type WorkerNote = {
  readonly note: 'threw' | 'skipped' | 'last-submission' | 'gave-up' | 'delivered' | 'refused';
  readonly jobId: string;
  readonly workerId: string;
  /** Of a worker that threw: what it threw, at which receive of the message. */
  readonly error?: string;
  readonly receive?: number;
};

const HEARTBEAT_MS = 1_000;
const SUBMISSION_MS = 500;
/** A connection that died in a pause is found out by the first call over it; the next one has a new connection. */
const TRIES = 3;
const { SUPABASE_URL, SUPABASE_SERVICE_KEY = '', SQS_QUEUE_URL, WORKER_ID = '', IS_FIXED } = process.env;

const sqs = new SQSClient({ region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } });
const supabase = new PostgrestClient(`${SUPABASE_URL}/rest/v1`, { headers: { apikey: SUPABASE_SERVICE_KEY } });

// The demo's next version of this worker, without the wait for a new process.
let isFixed = IS_FIXED === 'yes';
process.on('message', (message) => {
  isFixed ||= message === 'fix';
});
// Nobody is left to work for.
process.on('disconnect', () => process.exit());

for (;;) {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl: SQS_QUEUE_URL,
      WaitTimeSeconds: 2,
      MessageSystemAttributeNames: ['ApproximateReceiveCount'],
    }),
  );
  for (const { Body = '{}', ReceiptHandle, Attributes } of Messages) {
    const message: Message = JSON.parse(Body);
    try {
      await handle(message);
    } catch (error) {
      const receive = Number(Attributes?.ApproximateReceiveCount);
      tell('threw', message.job_id, { error: String(error), receive });
      continue; // its message stays, and comes back when its visibility timeout is over
    }
    // Only now: a worker that dies before this line leaves the message to the next one.
    await sqs.send(new DeleteMessageCommand({ QueueUrl: SQS_QUEUE_URL, ReceiptHandle }));
  }
}

type Message = { readonly job_id: string; readonly package_size: number; readonly lease?: number };

async function handle({ job_id: jobId, package_size: packageSize, lease: messageLease }: Message): Promise<void> {
  // The bug of this worker: it reads what it will need before it claims, and a website without https:// is too much.
  const { website } = await readOrder(jobId);
  if (!isFixed) new URL(website);

  const claim = await call('claim_job', { job_id: jobId, worker_id: WORKER_ID, message_lease: messageLease ?? null });
  if (!claim.claimed) return tell('skipped', jobId);
  const { lease } = claim;
  let isLost = false;
  const heart = setInterval(async () => {
    const answer = await call('heartbeat_job', { job_id: jobId, lease }).catch(() => 'unknown');
    isLost = answer === 'lost';
  }, HEARTBEAT_MS);
  try {
    if (!(await submitToDirectories(jobId, packageSize, () => isLost))) return tell('gave-up', jobId);
    const outcome = await call('complete_job', { job_id: jobId, lease });
    // The effect on the outside world comes after the database said that the job is ours, so it happens once.
    tell(outcome === 'completed' ? 'delivered' : 'refused', jobId);
  } finally {
    clearInterval(heart);
  }
}

/** Larger packages take longer: from 2.5 to 5 seconds. Answers false when it stopped because the job was lost. */
async function submitToDirectories(jobId: string, packageSize: number, isLost: () => boolean): Promise<boolean> {
  const submissions = 4 + Math.ceil(packageSize / 85);
  for (let submission = 1; submission <= submissions; submission += 1) {
    if (isLost()) return false;
    if (submission === submissions) tell('last-submission', jobId);
    await new Promise((resolve) => setTimeout(resolve, SUBMISSION_MS));
  }
  return true;
}

async function readOrder(jobId: string): Promise<{ website: string }> {
  const job = await ask('jobs', () => supabase.from('jobs').select('metadata').eq('id', jobId).single());
  return job?.metadata;
}

async function call(name: string, parameters: object) {
  return ask(name, () => supabase.rpc(name, parameters));
}

type Answer<T> = { readonly data: T; readonly error: { message: string } | null; readonly status: number };

/** Asks again when nobody answered: every call here may be repeated. */
async function ask<T>(what: string, request: () => PromiseLike<Answer<T>>, tries = TRIES): Promise<T> {
  const { data, error, status } = await request();
  if (!error) return data;
  if (status === 0 && tries > 1) return ask(what, request, tries - 1);
  throw new Error(`${what} failed: ${error.message}`);
}

function tell(note: WorkerNote['note'], jobId: string, more: Pick<WorkerNote, 'error' | 'receive'> = {}): void {
  process.send?.({ note, jobId, workerId: WORKER_ID, ...more } satisfies WorkerNote);
}
