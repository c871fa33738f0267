import { type Check, Fault } from './check.ts';

export const health: Check = {
  name: 'Health',
  needs: ['Settings'],
  follows: ['Database', 'Secrets', 'stale-job-monitor', 'dlq-monitor'],
  async run({ context, firstHealth }) {
    const url = await context.apiUrl();
    const { http, status, reasons, latencyMs } = await firstHealth().catch((cause: Error) => {
      throw new Fault(
        `${url}/api/health does not answer`,
        'Check --api-url or API_URL, and that the stack is deployed.',
        { cause },
      );
    });
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
    throw new Fault(
      `${status} (HTTP ${http}): ${reasons.join('; ')}`,
      'npx queuekeeper status shows more; docs/runbook.md has what to do.',
    );
  },
};
