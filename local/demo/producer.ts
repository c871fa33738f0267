import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type pg from 'pg';
import type { LocalSystem } from '../system.ts';
import type { Business } from './businesses.ts';

/** Orders come in one after the other, not all at once. */
const PAUSE_MS = 500;

/** Does what the product's own backend does for each order: first the job's row, then its message. */
export async function produce(
  system: LocalSystem,
  database: pg.Client,
  businesses: readonly Business[],
  onCreated: (jobId: string, business: Business) => void,
): Promise<void> {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const sqs = new SQSClient({ endpoint: system.sqsEndpoint, region: 'us-east-1', credentials });
  for (const business of businesses) {
    const { name, website, category, city, packageSize, priority } = business;
    const customerId = name.toLowerCase().replaceAll(/[^a-z]+/g, '-');
    const { rows } = await database.query<{ id: string }>(
      'insert into public.jobs (customer_id, package_size, priority_level, metadata) values ($1, $2, $3, $4) returning id',
      [customerId, packageSize, priority, { name, website, category, city }],
    );
    const jobId = rows[0]?.id as string;
    onCreated(jobId, business);
    const message = { job_id: jobId, customer_id: customerId, package_size: packageSize, priority };
    await sqs.send(new SendMessageCommand({ QueueUrl: system.queueUrl, MessageBody: JSON.stringify(message) }));
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  sqs.destroy();
}
