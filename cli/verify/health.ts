import { connectDeadLetterQueue } from '../../lambdas/dlq-monitor/dead-letter-queue.ts';
import { totalOf } from '../../lambdas/dlq-monitor/depth.ts';
import type { Context } from '../context.ts';
import type { HealthAnswer } from '../health-answer.ts';
import { type Check, Fault } from './check.ts';

export const health: Check = {
  name: 'Health',
  needs: ['Settings'],
  follows: ['AWS', 'Database', 'Secrets', 'stale-job-monitor', 'dlq-monitor'],
  async run({ context, firstHealth }) {
    const url = await context.apiUrl();
    const answer = await firstHealth().catch((cause: Error) => {
      throw new Fault(
        `${url}/api/health does not answer`,
        'Check --api-url or API_URL, and that the stack is deployed.',
        { cause },
      );
    });
    const { http, status, reasons, latencyMs } = answer;
    if (status === 'healthy') return `healthy, answered in ${latencyMs} ms`;
    if (http === 429) {
      throw new Fault('this address has used up its requests', 'Wait a minute, then run this again.');
    }
    if (!status) {
      throw new Fault(
        `${url}/api/health answered HTTP ${http} and no health`,
        'Check --api-url or API_URL: it ends before /api.',
      );
    }
    if (await isPast(context, answer)) {
      return 'well but for dead letters that are gone by now: the next run of the dlq-monitor will see that';
    }
    throw new Fault(
      `${status} (HTTP ${http}): ${reasons.join('; ')}`,
      'npx queuekeeper status shows more; docs/runbook.md has what to do.',
    );
  },
};

/** What the dlq-monitor counted stays until its next run, the test message of a verification a moment ago among it. */
async function isPast({ clients, dlqUrl }: Context, { deadLetters, reasons }: HealthAnswer): Promise<boolean> {
  if (deadLetters === 0 || reasons.length !== 1) return false;
  return totalOf(await connectDeadLetterQueue(clients.sqs, await dlqUrl()).readAttributes()) === 0;
}
